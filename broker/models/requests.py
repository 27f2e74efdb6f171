"""What was asked of an account: with the pinned days, all that its executions are a function of."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from broker.models.accounts import Account


class Request(models.Model):
    """One request that was accepted. It is checked when it is answered, and acts at its arrival."""

    class Kind(models.TextChoices):
        PLACE = "place"
        CANCEL = "cancel"
        REPLACE = "replace"
        SETTINGS = "settings"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="requests")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=8, choices=Kind)
    body = models.JSONField()
    made_ms = models.BigIntegerField(help_text="Market time at which it was answered.")
    made_at = models.DateTimeField(db_default=Now(), editable=False)
    taken_ms = models.BigIntegerField(null=True, help_text="The newest published frame when it was picked up.")
    generation = models.PositiveIntegerField(null=True, help_text="In which it was picked up.")
    voided_in = models.PositiveIntegerField(null=True, help_text="The generation that went back to before it.")

    class Meta:
        ordering = ["account", "number"]
        constraints = [
            models.UniqueConstraint(fields=["account", "number"], name="request_number_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["place", "cancel", "replace", "settings"]), name="request_kind_known"
            ),
        ]
        indexes = [
            models.Index(fields=["account"], condition=Q(taken_ms=None), name="request_waiting"),
            models.Index(fields=["account"], condition=Q(kind="settings"), name="request_settings"),
        ]

    @property
    def brought(self) -> list[dict[str, Any]]:
        """Payloads of the orders that came with it."""
        if self.kind == self.Kind.PLACE:
            made: list[dict[str, Any]] = self.body["orders"]
            return made
        return [self.body["order"]] if self.kind == self.Kind.REPLACE else []

    def __str__(self) -> str:
        return f"{self.account_id}#{self.number} {self.kind}"
