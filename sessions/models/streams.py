"""The streams of a session: one row for each symbol and type."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from marketdata.models import Instrument
from sessions.models.session import Session


class StreamType(models.TextChoices):
    BARS = "bars"
    TICKS = "ticks"
    QUOTES = "quotes"


class ActiveStream(models.Model):
    """A symbol's stream in a session: the single source of truth for what is active."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="streams")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    stream_type = models.CharField(max_length=8, choices=StreamType, default=StreamType.BARS)
    requested = models.BooleanField(default=True, help_text="Whether it is to be active; `active` says whether it is.")
    active = models.BooleanField(default=True)
    expected = models.PositiveIntegerField(default=0, help_text="Session minutes up to the session's clock.")
    present = models.PositiveIntegerField(default=0, help_text="Bars up to the session's clock.")
    quality = models.FloatField(null=True, blank=True, help_text="(T + N + F) / expected; n/a before the first.")
    last_price = models.FloatField(null=True, blank=True)
    started_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "stream"
        ordering = ["instrument__symbol", "stream_type"]
        constraints = [
            models.UniqueConstraint(fields=["session", "instrument", "stream_type"], name="activestream_once"),
            models.CheckConstraint(condition=Q(stream_type__in=StreamType.values), name="activestream_type_known"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument} {self.stream_type}"


def symbols_of(streams: Iterable[ActiveStream]) -> list[str]:
    """What a session plays, or has played when it ended: whatever was not removed from it."""
    return sorted({row.instrument.symbol for row in streams if row.requested})
