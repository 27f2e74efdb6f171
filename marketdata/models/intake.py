"""What did not come in: rows in quarantine, and what was tried to get days that the store lacks."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from marketdata.models.catalog import Dataset, Instrument
from marketdata.models.imports import Import


class QuarantinedRow(models.Model):
    """A row that broke a rule on its way in: kept with its place and the reason, never dropped silently."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="quarantine")
    file = models.CharField(max_length=512)
    line = models.PositiveBigIntegerField(null=True)
    reason = models.CharField(max_length=255)
    raw = models.TextField(blank=True)
    symbol = models.CharField(max_length=64, blank=True)
    of = models.ForeignKey(Import, on_delete=models.SET_NULL, null=True, related_name="quarantine")
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "file", "line", "reason"], name="quarantine_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.reason}"


class FetchAttempt(models.Model):
    """What was tried to get one instrument's day; kept so that re-detection never resets it."""

    class Outcome(models.TextChoices):
        ROWS = "rows", "rows"
        NO_DATA = "no_data", "no data exists"
        FAILED = "failed", "failed"

    class Purpose(models.TextChoices):
        DAY = "day", "the whole day"
        GAPS = "gaps", "its absent minutes"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+")
    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="+")
    date = models.DateField()
    provider = models.CharField(max_length=64)
    purpose = models.CharField(max_length=4, choices=Purpose, default=Purpose.DAY)
    attempts = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=8, choices=Outcome, blank=True)
    reason = models.TextField(blank=True)
    last_at = models.DateTimeField(null=True)
    next_at = models.DateTimeField(null=True)
    locked_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "instrument", "date", "provider", "purpose"], name="fetchattempt_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.date} {self.provider}: {self.outcome}"
