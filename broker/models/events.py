"""What became of an account's orders, chained."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from broker.models.accounts import Account


class AccountEvent(models.Model):
    """An event of an order; with `execution`, a trade of ours and what it met on the tape."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="events")
    number = models.PositiveIntegerField(help_text="Of the account's events, without those that a seek has undone.")
    generation = models.PositiveIntegerField()
    at_ms = models.BigIntegerField(help_text="Market time with which it goes out.")
    n = models.PositiveIntegerField(help_text="Of those of one instant.")
    kind = models.CharField(max_length=16)
    order_uuid = models.UUIDField()
    order = models.JSONField(help_text="The order after it.")
    note = models.TextField(blank=True)
    chain = models.CharField(max_length=64)
    voided_in = models.PositiveIntegerField(null=True)

    execution = models.UUIDField(null=True)
    symbol = models.CharField(max_length=32)
    qty = models.DecimalField(max_digits=24, decimal_places=9, null=True)
    price = models.DecimalField(max_digits=24, decimal_places=9, null=True)
    position_qty = models.DecimalField(max_digits=24, decimal_places=9, null=True)
    basis = models.CharField(max_length=12, blank=True)
    met_price = models.DecimalField(max_digits=24, decimal_places=9, null=True)
    met_size = models.DecimalField(max_digits=24, decimal_places=9, null=True)
    met_ns = models.BigIntegerField(null=True, help_text="Stamp of what it met, in nanoseconds.")

    class Meta:
        ordering = ["account", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "number"], condition=Q(voided_in=None), name="accountevent_number_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "number"],
                condition=Q(voided_in=None, qty__isnull=False),
                name="accountevent_executions",
            )
        ]

    def __str__(self) -> str:
        return f"{self.account_id}#{self.number} {self.kind}"

    @property
    def cursor(self) -> str:
        return f"{self.generation}.{self.at_ms}-{self.n}"
