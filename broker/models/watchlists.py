"""Lists of symbols that bots keep."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models

from broker.models.accounts import Account


class Watchlist(models.Model):
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="watchlists")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=64)
    symbols = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    created_ms = models.BigIntegerField(help_text="Market time.")
    updated_ms = models.BigIntegerField(help_text="Market time.")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="watchlist_name_once")]

    def __str__(self) -> str:
        return self.name
