"""How trades and quotes are kept: one row per instrument, market day and version, its events in chunks of arrays.

`Trade` and `Quote` are read-only views that unnest the current versions, one row per event.
"""

from __future__ import annotations

from typing import Any, NoReturn

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from marketdata.models import Dataset, Instrument, ReadOnlyError, Scope
from marketdata.ticks.columns import TickKind


class TickDayQuerySet(models.QuerySet["TickDay"]):
    def current(self) -> TickDayQuerySet:
        return self.filter(current=True)

    def regular(self) -> TickDayQuerySet:
        return self.filter(scope=Scope.REGULAR)


class TickDay(models.Model):
    """One instrument's trades, or quotes, of one market day. A change is a new version, never an overwrite."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="tick_days")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="tick_days")
    kind = models.CharField(max_length=8, choices=TickKind)
    date = models.DateField()
    scope = models.CharField(max_length=8, choices=Scope, default=Scope.REGULAR)
    derived = models.BooleanField(default=False, help_text="Made from bars, not recorded one by one.")
    version = models.PositiveIntegerField(default=1)
    current = models.BooleanField(default=True)

    open_at = models.DateTimeField(help_text="The session's open (UTC); stamps count from here.")
    close_at = models.DateTimeField(help_text="The session's close (UTC).")
    row_count = models.PositiveIntegerField()
    chunk_count = models.PositiveIntegerField()
    ledger = models.TextField(blank=True, help_text="One letter per session minute: T with events, A without.")
    content_hash = models.CharField(max_length=64, help_text="SHA-256 of the columns.")
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    known_at = models.DateTimeField(null=True, blank=True, help_text="Market time, where the source gives it.")
    origin = models.CharField(max_length=255, blank=True, help_text="Provider or file it came from.")

    objects = TickDayQuerySet.as_manager()

    class Meta:
        ordering = ["-date"]
        verbose_name = "day of trades or quotes"
        verbose_name_plural = "days of trades and quotes"
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "instrument", "kind", "date", "scope", "derived", "version"], name="tickday_version"
            ),
            models.UniqueConstraint(
                fields=["dataset", "instrument", "kind", "date", "scope", "derived"],
                condition=Q(current=True),
                name="tickday_one_current",
            ),
            models.CheckConstraint(condition=Q(kind__in=TickKind.values), name="tickday_kind_known"),
            models.CheckConstraint(condition=Q(close_at__gt=F("open_at")), name="tickday_open_before_close"),
            models.CheckConstraint(condition=Q(version__gte=1), name="tickday_version_from_one"),
        ]
        indexes = [
            models.Index(
                fields=["dataset", "date", "kind", "instrument"], condition=Q(current=True), name="tickday_by_date"
            )
        ]

    def __str__(self) -> str:
        return f"{self.instrument.symbol} {self.get_kind_display()} {self.date} v{self.version}"


class Chunk(models.Model):
    """A bounded run of a day's events, as columns."""

    number = models.PositiveIntegerField(help_text="From 0, in time order.")
    row_count = models.PositiveIntegerField()
    first_at = models.BigIntegerField(help_text="The first event, nanoseconds from the open.")
    last_at = models.BigIntegerField(help_text="The last event, nanoseconds from the open.")
    at = ArrayField(models.BigIntegerField(), help_text="Nanoseconds from the open.")
    condition = ArrayField(models.IntegerField(), help_text="Index into words, from 0.")
    flags = ArrayField(models.IntegerField(), help_text="1 suspicious, 2 corrected later, 4 made from bars.")
    words = ArrayField(models.TextField(), help_text="Exchanges and conditions; the first is none.")

    class Meta:
        abstract = True


class TradeChunk(Chunk):
    day = models.ForeignKey(TickDay, on_delete=models.CASCADE, related_name="trade_chunks")
    price = ArrayField(models.FloatField())
    size = ArrayField(models.FloatField(), help_text="NaN where the source has none.")
    exchange = ArrayField(models.IntegerField(), help_text="Index into words, from 0.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "number"], name="tradechunk_once")]

    def __str__(self) -> str:
        return f"{self.day_id}#{self.number}"


class QuoteChunk(Chunk):
    day = models.ForeignKey(TickDay, on_delete=models.CASCADE, related_name="quote_chunks")
    bid = ArrayField(models.FloatField(), help_text="NaN where the quote has no bid.")
    bid_size = ArrayField(models.FloatField())
    ask = ArrayField(models.FloatField(), help_text="NaN where the quote has no ask.")
    ask_size = ArrayField(models.FloatField())
    bid_exchange = ArrayField(models.IntegerField(), help_text="Index into words, from 0.")
    ask_exchange = ArrayField(models.IntegerField(), help_text="Index into words, from 0.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "number"], name="quotechunk_once")]

    def __str__(self) -> str:
        return f"{self.day_id}#{self.number}"


class TickQuerySet(models.QuerySet[Any]):
    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ReadOnlyError("This is a view over chunks: write days with marketdata.ticks.store.write_ticks().")

    create = bulk_create = update = bulk_update = delete = get_or_create = update_or_create = _refuse


class Tick(models.Model):
    """One event of the current version of a day, through a SQL view. Read-only."""

    id = models.BigIntegerField(primary_key=True)
    day = models.ForeignKey(TickDay, on_delete=models.DO_NOTHING, related_name="+")
    dataset = models.ForeignKey(Dataset, on_delete=models.DO_NOTHING, related_name="+")
    instrument = models.ForeignKey(Instrument, on_delete=models.DO_NOTHING, related_name="+")
    date = models.DateField()
    scope = models.CharField(max_length=8, choices=Scope)
    derived = models.BooleanField()
    sequence = models.BigIntegerField(help_text="Place within the day, from 1, as the source had it.")
    at = models.DateTimeField(help_text="The source's stamp (UTC), to the microsecond.")
    at_ns = models.BigIntegerField(help_text="The source's stamp, nanoseconds since the epoch.")
    condition = models.TextField(null=True)
    suspicious = models.BooleanField()
    corrected = models.BooleanField()

    objects = TickQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.at:%Y-%m-%d %H:%M:%S.%f}"

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ReadOnlyError("This is a view over chunks: write days with marketdata.ticks.store.write_ticks().")

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ReadOnlyError("This is a view over chunks: days are versioned and not deleted event by event.")


class Trade(Tick):
    price = models.FloatField()
    size = models.FloatField(null=True)
    exchange = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = "marketdata_trade"
        ordering = ["date", "sequence"]


class Quote(Tick):
    bid = models.FloatField(null=True)
    bid_size = models.FloatField(null=True)
    bid_exchange = models.TextField(null=True)
    ask = models.FloatField(null=True)
    ask_size = models.FloatField(null=True)
    ask_exchange = models.TextField(null=True)

    class Meta:
        managed = False
        db_table = "marketdata_quote"
        ordering = ["date", "sequence"]
