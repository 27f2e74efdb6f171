"""What the market did: datasets, instruments and one row per instrument's market day.

`Bar` is a read-only view that unnests the days' current versions, one row per bar.
"""

from __future__ import annotations

from typing import Any, NoReturn

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Dataset(models.Model):
    """Where data comes from. Two vendors' days never mix, so a session has exactly one."""

    name = models.SlugField(max_length=64, unique=True)
    source = models.CharField(max_length=64, help_text="Vendor or file collection, e.g. alpaca.")
    feed = models.CharField(max_length=32, blank=True, help_text="The vendor's feed, e.g. sip, iex.")
    price_mode = models.CharField(max_length=16, default="raw", help_text="raw, split or all (adjusted).")
    provider = models.CharField(
        max_length=64, blank=True, help_text="The name in MARKETDATA_PROVIDERS that serves its missing days."
    )
    filler = models.CharField(
        max_length=64,
        blank=True,
        help_text="The name in MARKETDATA_PROVIDERS that is asked for absent minutes; empty: its provider.",
    )
    synthetic = models.BooleanField(default=False, help_text="Made by a generator, not by a market.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["source", "feed", "price_mode"], name="dataset_source_feed_price_mode")
        ]

    def __str__(self) -> str:
        return self.name


class Instrument(models.Model):
    symbol = models.CharField(max_length=16, unique=True)
    name = models.CharField(max_length=128, blank=True)
    calendar = models.CharField(max_length=8, default="XNYS", help_text="exchange_calendars' name.")

    class Meta:
        ordering = ["symbol"]
        constraints = [
            models.CheckConstraint(
                condition=Q(symbol__regex=r"^[A-Z0-9][A-Z0-9.\-^/=_]*$"), name="instrument_symbol_upper"
            )
        ]

    def __str__(self) -> str:
        return self.symbol


class Scope(models.TextChoices):
    REGULAR = "regular", "regular session"
    EXTENDED = "extended", "outside the regular session"


class BarDayQuerySet(models.QuerySet["BarDay"]):
    def current(self) -> BarDayQuerySet:
        return self.filter(current=True)

    def regular(self) -> BarDayQuerySet:
        return self.filter(scope=Scope.REGULAR)


class BarDay(models.Model):
    """One instrument's bars of one market day, as columns. A change is a new version, never an overwrite."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="days")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="days")
    interval = models.CharField(max_length=4, default="1m")
    date = models.DateField()
    scope = models.CharField(max_length=8, choices=Scope, default=Scope.REGULAR)
    version = models.PositiveIntegerField(default=1)
    current = models.BooleanField(default=True)

    open_at = models.DateTimeField(help_text="The session's open (UTC); offsets count from here.")
    close_at = models.DateTimeField(help_text="The session's close (UTC).")
    bar_count = models.PositiveIntegerField()
    offset = ArrayField(models.IntegerField(), help_text="Bar start, seconds from the open.")
    open = ArrayField(models.FloatField())
    high = ArrayField(models.FloatField())
    low = ArrayField(models.FloatField())
    close = ArrayField(models.FloatField())
    volume = ArrayField(models.BigIntegerField(null=True), null=True)
    trade_count = ArrayField(models.BigIntegerField(null=True), null=True)
    vwap = ArrayField(models.FloatField(null=True), null=True)
    n_present = ArrayField(models.IntegerField(), null=True, help_text="Derived bars only: minutes present in each.")
    packed = models.BinaryField(
        null=True, help_text="The columns once more, as one block; NULL where somebody changed an array."
    )

    ledger = models.TextField(blank=True, help_text="One letter per session minute: T A N F M H.")
    content_hash = models.CharField(max_length=64, help_text="SHA-256 of the columns.")
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    known_at = models.DateTimeField(null=True, blank=True, help_text="Market time, where the source gives it.")
    origin = models.CharField(max_length=255, blank=True, help_text="Provider or file it came from.")

    objects = BarDayQuerySet.as_manager()

    class Meta:
        ordering = ["-date"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "instrument", "interval", "date", "scope", "version"],
                name="barday_version",
            ),
            models.UniqueConstraint(
                fields=["dataset", "instrument", "interval", "date", "scope"],
                condition=Q(current=True),
                name="barday_one_current",
            ),
            models.CheckConstraint(condition=Q(close_at__gt=models.F("open_at")), name="barday_open_before_close"),
            models.CheckConstraint(condition=Q(version__gte=1), name="barday_version_from_one"),
        ]
        indexes = [
            models.Index(fields=["dataset", "date", "instrument"], condition=Q(current=True), name="barday_by_date")
        ]

    def __str__(self) -> str:
        return f"{self.instrument.symbol} {self.interval} {self.date} v{self.version}"


class ReadOnlyError(TypeError):
    """A write to a view."""


class BarQuerySet(models.QuerySet["Bar"]):
    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ReadOnlyError("Bar is a view over BarDay: write days with marketdata.store.write_days().")

    create = bulk_create = update = bulk_update = delete = get_or_create = update_or_create = _refuse


class Bar(models.Model):
    """One bar of the current version of a day, through the SQL view `marketdata_bar`. Read-only."""

    id = models.BigIntegerField(primary_key=True)
    day = models.ForeignKey(BarDay, on_delete=models.DO_NOTHING, related_name="bars")
    dataset = models.ForeignKey(Dataset, on_delete=models.DO_NOTHING, related_name="+")
    instrument = models.ForeignKey(Instrument, on_delete=models.DO_NOTHING, related_name="+")
    interval = models.CharField(max_length=4)
    date = models.DateField()
    scope = models.CharField(max_length=8, choices=Scope)
    start = models.DateTimeField(help_text="Start of the bar (UTC).")
    open = models.FloatField()
    high = models.FloatField()
    low = models.FloatField()
    close = models.FloatField()
    volume = models.BigIntegerField(null=True)
    trade_count = models.BigIntegerField(null=True)
    vwap = models.FloatField(null=True)

    objects = BarQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "marketdata_bar"
        ordering = ["start"]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.interval} {self.start:%Y-%m-%d %H:%M}"

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ReadOnlyError("Bar is a view over BarDay: write days with marketdata.store.write_days().")

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ReadOnlyError("Bar is a view over BarDay: days are versioned and not deleted bar by bar.")


class QuarantinedRow(models.Model):
    """A row that broke a rule on its way in: kept with its place and the reason, never dropped silently."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="quarantine")
    file = models.CharField(max_length=512)
    line = models.PositiveBigIntegerField(null=True)
    reason = models.CharField(max_length=255)
    raw = models.TextField(blank=True)
    symbol = models.CharField(max_length=64, blank=True)
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


# Django finds an app's models here; these build on the ones above.
from marketdata.tick_models import Quote, QuoteChunk, TickDay, Trade, TradeChunk  # noqa: E402, F401
