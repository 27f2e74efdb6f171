"""Trades or quotes of a window, page by page."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from marketdata.calendar import TradingDay, trading_day
from marketdata.kinds import DayKind
from marketdata.models import Dataset, DayVersion
from marketdata.store import find_versions, load_range, row_range
from marketdata.windows.window import Window, WindowError
from marketdata.wire_events import events

FAR = 1 << 62


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: the day, and how many of its events are on this page and those before."""

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
                "after", f"{text!r} is not a place: it looks like 2013-10-07.1000 (<day>.<events so far>)."
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class TickWindow(Window):
    kind: str

    def find(self) -> tuple[Dataset, list[DayVersion]]:
        """The dataset that answers and its days, oldest first. Raises WindowError."""
        rows = self.stored().of(self.kind)
        dataset = self.choose(rows, DayKind(self.kind).label)
        return dataset, self.days(rows, dataset)

    def page(self, after: Place | None, limit: int) -> tuple[Dataset, list[dict[str, Any]], Place | None]:
        """At most `limit` events in wire form, and where to go on; None at the end."""
        dataset, days = self.find()
        found: list[dict[str, Any]] = []
        for day in days:
            if after and day.date < after.date:
                continue
            first = after.row if after and day.date == after.date else 0
            low, high = self._rows(day, first)
            rows = load_range(find_versions([day.pk])[0], low, min(high, low + limit - len(found)))
            found += events(rows, self.symbol, _ns(day.open_at), synthetic=dataset.synthetic)
            if low + len(rows) < high:
                return dataset, found, Place(day.date, low + len(rows))
        return dataset, found, None

    def _rows(self, day: DayVersion, first: int) -> tuple[int, int]:
        """Places within the day of the events asked for."""
        opened = _ns(day.open_at)
        start = _ns(self.start) - opened if isinstance(self.start, dt.datetime) else -FAR
        end = _ns(self.end) - opened if isinstance(self.end, dt.datetime) else FAR
        (stored,) = find_versions([day.pk])
        low, high = row_range(stored, start, end)
        return max(low, first), max(high, first)


def open_ns(day: TradingDay | dt.date) -> int:
    """A session's open in nanoseconds since the epoch."""
    return _ns((day if isinstance(day, TradingDay) else trading_day(day)).open)


def _ns(moment: dt.datetime) -> int:
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1) * 1000
