"""The stored trades or quotes of one symbol: which days a window has, and its events page by page."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from marketdata.calendar import TradingDay, trading_day
from marketdata.history import Moment, WindowError, best_dataset, days_within
from marketdata.models import Dataset, Scope
from marketdata.tick_models import TickDay
from marketdata.ticks.columns import TickKind
from marketdata.ticks.store import find_versions, load_rows, row_range
from marketdata.ticks.wire import events

SECOND = 1_000_000_000
FAR = 1 << 62


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: the day, and how many of its events have been told."""

    date: dt.date
    row: int

    def __str__(self) -> str:
        return f"{self.date.isoformat()}.{self.row}"

    @classmethod
    def parse(cls, text: str) -> Place:
        date, _, row = text.partition(".")
        try:
            return cls(dt.date.fromisoformat(date), int(row))
        except ValueError:
            raise WindowError(
                "after", f"{text!r} is not a place: it looks like 2013-10-07.1000 (<day>.<events told>)."
            ) from None


@dataclass(frozen=True, slots=True)
class TickWindow:
    """Which events are asked for. Days count whole; moments bound the stamps, the end excluded."""

    kind: str
    symbol: str
    scope: str = Scope.REGULAR
    start: Moment | None = None
    end: Moment | None = None
    dataset: str = ""

    def find(self) -> tuple[Dataset, list[TickDay]]:
        """The dataset that answers and the days that it has, oldest first. Raises WindowError."""
        rows = TickDay.objects.current().filter(instrument__symbol=self.symbol, kind=self.kind, scope=self.scope)
        dataset = self._choose(rows)
        days = days_within(rows.filter(dataset=dataset), self.start, self.end).order_by("date", "-derived")
        recorded_first = {day.date: day for day in days}
        return dataset, list(recorded_first.values())

    def page(self, after: Place | None, limit: int) -> tuple[Dataset, list[dict[str, Any]], Place | None]:
        """At most `limit` events in wire form, and where to go on; None at the end."""
        dataset, days = self.find()
        told: list[dict[str, Any]] = []
        for day in days:
            if after and day.date < after.date:
                continue
            first = after.row if after and day.date == after.date else 0
            low, high = self._rows(day, first)
            rows = load_rows(find_versions([day.pk])[0], low, min(high, low + limit - len(told)))
            told += events(rows, self.symbol, _ns(day.open_at), synthetic=dataset.synthetic)
            if low + len(rows) < high:
                return dataset, told, Place(day.date, low + len(rows))
        return dataset, told, None

    def _rows(self, day: TickDay, first: int) -> tuple[int, int]:
        """Places within the day of the events asked for."""
        opened = _ns(day.open_at)
        start = _ns(self.start) - opened if isinstance(self.start, dt.datetime) else -FAR
        end = _ns(self.end) - opened if isinstance(self.end, dt.datetime) else FAR
        (stored,) = find_versions([day.pk])
        low, high = row_range(stored, start, end)
        return max(low, first), max(high, first)

    def _choose(self, rows: QuerySet[TickDay]) -> Dataset:
        if self.dataset:
            return Dataset.objects.get(name=self.dataset)
        best = best_dataset(days_within(rows, self.start, self.end))
        if best is None:
            what = TickKind(self.kind).label
            raise WindowError("symbol", f"No dataset has {what} of {self.symbol} in that window: import some.")
        return Dataset.objects.get(pk=best)


def open_ns(day: TradingDay | dt.date) -> int:
    """A session's open in nanoseconds since the epoch."""
    return _ns((day if isinstance(day, TradingDay) else trading_day(day)).open)


def _ns(moment: dt.datetime) -> int:
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1) * 1000
