"""Which stored days an account's orders meet: pinned with the session's, also where it does not stream them."""

from __future__ import annotations

from django.db import models

from marketdata.models import DayVersion, Instrument
from sessions.models import Session
from sessions.models.pins import PIN_KINDS


class MatchingPin(models.Model):
    """The version of one kind of an instrument's day; none where there was none when an order first looked."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="matching_pins")
    date = models.DateField()
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, help_text="Bars, ticks or quotes; of extended hours with `.extended`.")
    day = models.ForeignKey(DayVersion, on_delete=models.PROTECT, null=True, related_name="matching_pins")
    ledger = models.TextField(
        blank=True, help_text="The day's as it was then: what is found out later changes no fill."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "date", "instrument", "kind"], name="matchingpin_once"),
            models.CheckConstraint(condition=models.Q(kind__in=PIN_KINDS), name="matchingpin_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.date} {self.kind} {self.instrument_id}"
