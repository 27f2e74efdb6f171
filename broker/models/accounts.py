"""Accounts, their keys and where they stood before each day."""

from __future__ import annotations

import uuid
from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from broker.matching.terms import Terms
from sessions.models import Session, SessionKey


class Account(models.Model):
    """An account of one session.

    `state` is where it stands now, written by the lease's holder alone; `opening` where it began. Whoever reads or
    changes an account's orders locks this row first.
    """

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="accounts")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=64)
    number = models.CharField(max_length=12, editable=False, help_text="As the broker numbers its paper accounts.")
    cash = models.DecimalField(max_digits=20, decimal_places=4, default=Decimal(100_000), help_text="It begins with.")
    multiplier = models.PositiveSmallIntegerField(default=2, help_text="Buying power of the equity: 1, 2 or 4.")
    shorting = models.BooleanField(default=True)
    terms = models.JSONField(default=dict, help_text="How its orders are filled.")
    configurations = models.JSONField(default=dict, help_text="What its owner had set when it began.")
    created_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    opened_ms = models.BigIntegerField(help_text="Market time at which it begins, in milliseconds.")
    opening = models.JSONField(help_text="What it began with.")
    lead_in = models.JSONField(
        null=True, help_text="Of a fork: what its origin's account had done on that day until then."
    )
    state = models.JSONField(help_text="Cash and positions as of `through_ms`.")
    through_ms = models.BigIntegerField(help_text="Up to which it has met the market.")
    chain = models.CharField(max_length=64, blank=True, help_text="Hash chain after its last event.")

    class Meta:
        ordering = ["session", "id"]
        permissions = [("trade_account", "Can place and cancel orders")]
        constraints = [
            models.UniqueConstraint(fields=["session", "name"], name="account_name_once"),
            models.CheckConstraint(condition=Q(multiplier__in=(1, 2, 4)), name="account_multiplier_known"),
            models.CheckConstraint(condition=Q(cash__gte=0), name="account_cash_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of session {self.session_id}"

    @property
    def trading_terms(self) -> Terms:
        return Terms.of(self.terms)


class AccountKey(models.Model):
    """The account that a broker key trades."""

    key = models.OneToOneField(SessionKey, on_delete=models.CASCADE, primary_key=True, related_name="account_key")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="keys")

    def __str__(self) -> str:
        return f"{self.key_id} of {self.account_id}"


class AccountDay(models.Model):
    """Where an account stood before a day: it is made again from there, and goes back to it with the clock.

    `actions`: the corporate actions that the day went ex with, each as symbol, kind and value.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="days")
    date = models.DateField()
    state = models.JSONField()
    actions = models.JSONField(default=list)

    class Meta:
        ordering = ["account", "date"]
        constraints = [models.UniqueConstraint(fields=["account", "date"], name="accountday_once")]

    def __str__(self) -> str:
        return f"{self.account_id} before {self.date}"
