"""Which stored versions a session plays: as rows, so that who still needs a version is a question to the database."""

from __future__ import annotations

from django.db import models

from marketdata.kinds import DayKind, outside
from marketdata.models import DayVersion, Instrument
from sessions.models.session import Session

PIN_KINDS = [*DayKind.values, *(outside(kind) for kind in DayKind.values)]


class Pin(models.Model):
    """The version of one instrument's day that a session plays; none where there was none when it was pinned.

    The first pin of a day holds, as its key is unique. A correction is a further pin, in effect as the journal's entry
    says that admitted it. Rows are written with that entry (`streaming.engine.records.journal`), and never changed.
    """

    pk = models.CompositePrimaryKey("session_id", "date", "kind", "instrument_id", "admission")
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="pins", db_index=False)
    date = models.DateField()
    kind = models.CharField(max_length=16, help_text="Bars, ticks or quotes; of extended hours with `.extended`.")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+", db_index=False)
    admission = models.PositiveIntegerField(
        default=0, help_text="The number of the journal's entry that admitted it; 0 for the first pin."
    )
    day = models.ForeignKey(DayVersion, on_delete=models.PROTECT, null=True, related_name="pins")

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(kind__in=PIN_KINDS), name="pin_kind_known")]

    def __str__(self) -> str:
        return f"{self.session_id} {self.date} {self.kind} {self.instrument_id}: {self.day_id}"
