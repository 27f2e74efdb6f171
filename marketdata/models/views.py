"""One row per bar, trade or quote of the current versions, through SQL views. Read-only."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models

from marketdata.models.catalog import Dataset, Instrument
from marketdata.models.days import DayVersion, Scope


class ReadOnlyError(TypeError):
    """A write to a view."""

    def __init__(self, model: type[models.Model]) -> None:
        super().__init__(
            f"{model.__name__} is a view over DayVersion: write days with marketdata.store.write_days(). "
            "They are versioned, and not changed row by row."
        )


class ViewQuerySet(models.QuerySet[Any]):
    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ReadOnlyError(self.model)

    create = bulk_create = update = bulk_update = delete = get_or_create = update_or_create = _refuse


class DayRow(models.Model):
    """What every row has, whatever its kind."""

    id = models.BigIntegerField(primary_key=True)
    day = models.ForeignKey(DayVersion, on_delete=models.DO_NOTHING, related_name="+")
    dataset = models.ForeignKey(Dataset, on_delete=models.DO_NOTHING, related_name="+")
    instrument = models.ForeignKey(Instrument, on_delete=models.DO_NOTHING, related_name="+")
    date = models.DateField()
    scope = models.CharField(max_length=8, choices=Scope)

    objects = ViewQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ReadOnlyError(type(self))

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ReadOnlyError(type(self))


class Bar(DayRow):
    interval = models.CharField(max_length=4)
    start = models.DateTimeField(help_text="Start of the bar (UTC).")
    open = models.FloatField()
    high = models.FloatField()
    low = models.FloatField()
    close = models.FloatField()
    volume = models.FloatField(null=True)
    trade_count = models.FloatField(null=True)
    vwap = models.FloatField(null=True)

    class Meta:
        managed = False
        db_table = "marketdata_bar"
        ordering = ["start"]

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.interval} {self.start:%Y-%m-%d %H:%M}"


class Tick(DayRow):
    derived = models.BooleanField()
    sequence = models.BigIntegerField(help_text="Place within the day, from 1, as the source had it.")
    at = models.DateTimeField(help_text="The source's stamp (UTC), to the microsecond.")
    at_ns = models.BigIntegerField(help_text="The source's stamp, nanoseconds since the epoch.")
    condition = models.TextField(null=True)
    suspicious = models.BooleanField()
    corrected = models.BooleanField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.instrument_id} {self.at:%Y-%m-%d %H:%M:%S.%f}"


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
