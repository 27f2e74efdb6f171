"""Stored days: one row for each version of an instrument's day, of any kind, and its rows as packed columns."""

from __future__ import annotations

import datetime as dt

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from marketdata.kinds import DayKind
from marketdata.models.catalog import Dataset, Instrument

CHUNK_ROWS = 20_000
"""Rows of a chunk; all but a day's last are full. The SQL views count on it."""


class Scope(models.TextChoices):
    REGULAR = "regular", "regular session"
    EXTENDED = "extended", "outside the regular session"


class DayVersionQuerySet(models.QuerySet["DayVersion"]):
    def current(self) -> DayVersionQuerySet:
        return self.filter(current=True)

    def regular(self) -> DayVersionQuerySet:
        return self.filter(scope=Scope.REGULAR)

    def of(self, kind: str, interval: str = "") -> DayVersionQuerySet:
        return self.filter(kind=kind, interval=interval)

    def minutes(self) -> DayVersionQuerySet:
        """Bars of one minute."""
        return self.of(DayKind.BARS, "1m")

    def same_day_as(self, day: DayVersion) -> DayVersionQuerySet:
        """All versions of it."""
        return self.filter(**{name: getattr(day, name) for name in DayVersion.DAY})


class DayVersion(models.Model):
    """One version of an instrument's day of one kind. Never overwritten: a change is a new version.

    The database refuses an update of anything but `current`, and `ledger`: what is found out later about minutes
    without a row is no change of the rows.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="days")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="days")
    kind = models.CharField(max_length=8, choices=DayKind)
    interval = models.CharField(max_length=4, blank=True, help_text="The width of bars; empty for single events.")
    date = models.DateField()
    scope = models.CharField(max_length=8, choices=Scope, default=Scope.REGULAR)
    derived = models.BooleanField(default=False, help_text="Made from bars, not recorded by its source.")
    version = models.PositiveIntegerField(default=1)
    current = models.BooleanField(default=True)

    open_at = models.DateTimeField(help_text="The session's open (UTC); stamps count from here.")
    close_at = models.DateTimeField(help_text="The session's close (UTC).")
    row_count = models.PositiveIntegerField()
    summary = models.JSONField(default=dict, blank=True, help_text="What lists show of the rows without reading them.")
    ledger = models.TextField(blank=True, help_text="One letter per session minute: T A N F M H.")
    content_hash = models.CharField(max_length=64, help_text="SHA-256 of the columns.")
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    known_at = models.DateTimeField(null=True, blank=True, help_text="Market time, where the source gives it.")
    origin = models.CharField(max_length=255, blank=True, help_text="Provider or file it came from.")

    objects = DayVersionQuerySet.as_manager()

    DAY = ("dataset_id", "instrument_id", "kind", "interval", "date", "scope", "derived")
    """What two versions of the same day have in common."""

    class Meta:
        ordering = ["-date"]
        verbose_name = "day"
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "instrument", "date", "kind", "interval", "scope", "derived", "version"],
                name="dayversion_once",
            ),
            models.UniqueConstraint(
                fields=["dataset", "date", "instrument", "kind", "interval", "scope", "derived"],
                condition=Q(current=True),
                name="dayversion_one_current",
            ),
            models.CheckConstraint(condition=Q(kind__in=DayKind.values), name="dayversion_kind_known"),
            models.CheckConstraint(condition=Q(close_at__gt=F("open_at")), name="dayversion_open_before_close"),
            models.CheckConstraint(condition=Q(version__gte=1), name="dayversion_version_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument.symbol} {self.interval or self.get_kind_display()} {self.date} v{self.version}"

    @property
    def minutes(self) -> int:
        """The minutes of the session."""
        return (self.close_at - self.open_at) // dt.timedelta(minutes=1)


class DayChunk(models.Model):
    """A bounded run of a day's rows. `marketdata.columns.block` says what is in the cells."""

    pk = models.CompositePrimaryKey("day_id", "number")
    day = models.ForeignKey(DayVersion, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    number = models.PositiveIntegerField(help_text="From 0, in time order.")
    row_count = models.PositiveIntegerField()
    first_at = models.BigIntegerField(help_text="The first row, nanoseconds from the open.")
    last_at = models.BigIntegerField(help_text="The last row, nanoseconds from the open.")
    words = ArrayField(models.TextField(), null=True, help_text="What codes are indices into; the first is none.")
    cells = models.BinaryField(help_text="The columns as one block.")

    def __str__(self) -> str:
        return f"{self.day_id}#{self.number}"
