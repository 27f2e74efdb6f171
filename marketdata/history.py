"""The stored past of one symbol: which days a window has, and their bars as one table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from django.db.models import Count, Model, QuerySet

from marketdata.columns import BarColumns, Ints, empty
from marketdata.derive import derive
from marketdata.intervals import parse_interval
from marketdata.models import BarDay, Dataset, Scope
from marketdata.store import column_cursor
from marketdata.table import BarTable, bar_tokens, join

M = TypeVar("M", bound=Model)
Moment = dt.date | dt.datetime
"""A trading day, which stands for all of it, or an instant."""

LOAD = """
SELECT open_at, close_at, "offset", open, high, low, close, volume, trade_count, vwap
  FROM marketdata_barday WHERE id = ANY(%s) ORDER BY date, id
"""


class WindowError(ValueError):
    """A window that cannot be answered; `field` is the part that it is about."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """One stored day: its bounds in seconds since 1970, and its bars."""

    open: int
    close: int
    bars: BarColumns


def load_days(ids: Sequence[int]) -> list[Day]:
    """Exactly these rows, by date."""
    with column_cursor() as cursor:
        cursor.execute(LOAD, [list(ids)])
        return [_day(*row) for row in cursor.fetchall()]


def _day(opened: dt.datetime, closed: dt.datetime, offset: Ints, *columns: Any) -> Day:
    absent = np.full(len(offset), np.nan)
    values = (absent if column is None else column.astype(np.float64) for column in columns)
    return Day(int(opened.timestamp()), int(closed.timestamp()), BarColumns(offset, *values))


@dataclass(frozen=True, slots=True)
class Window:
    """Which bars are asked for. Days count whole; moments bound the bars' starts, the end excluded."""

    symbol: str
    interval: str = "1m"
    scope: str = Scope.REGULAR
    start: Moment | None = None
    end: Moment | None = None
    dataset: str = ""

    def find(self) -> Found:
        """The days that the store has of it, from one dataset. Raises WindowError."""
        rows = BarDay.objects.current().filter(instrument__symbol=self.symbol, scope=self.scope)
        minutes = rows.filter(interval="1m")
        derived = self.scope == Scope.REGULAR and self.interval != "1m" and self._within(minutes).exists()
        rows = minutes if derived else rows.filter(interval=self.interval)
        dataset = self._choose(rows)
        days = self._within(rows.filter(dataset=dataset)).order_by("date")
        return Found(self, dataset, list(days.values_list("pk", "date", "bar_count")), derived)

    def _choose(self, rows: QuerySet[BarDay]) -> Dataset:
        if self.dataset:
            return Dataset.objects.get(name=self.dataset)
        best = best_dataset(self._within(rows)) if self.start or self.end else None
        best = best or best_dataset(rows)
        if best is None:
            hint = "import some, or look in the admin."
            raise WindowError("symbol", f"No dataset has {self.interval} bars of {self.symbol}: {hint}")
        return Dataset.objects.get(pk=best)

    def _within(self, rows: QuerySet[BarDay]) -> QuerySet[BarDay]:
        return days_within(rows, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Found:
    """A window's days: (row, date, bars) each, oldest first."""

    window: Window
    dataset: Dataset
    days: list[tuple[int, dt.date, int]]
    derived: bool

    @property
    def bar_count(self) -> int:
        return sum(count for _, _, count in self.days)

    def version(self) -> tuple[object, ...]:
        """Changes exactly when the answer would: a row's content never does."""
        return self.window, self.dataset.pk, self.dataset.name, [pk for pk, _, _ in self.days], self.derived

    def table(self, limit: int | None = None) -> tuple[BarTable, dt.datetime | None]:
        """The bars, at most `limit` of them, and the start of the first one left out."""
        start, end, bars = self._columns(limit)
        inside = np.ones(len(start), bool)
        if (after := _second(self.window.start)) is not None:
            inside &= start >= after
        if (before := _second(self.window.end)) is not None:
            inside &= start < before
        chosen = np.flatnonzero(inside)
        left_out = chosen[limit:] if limit else chosen[:0]
        chosen = chosen[:limit] if limit else chosen
        told: dict[str, Any] = {
            "symbol": self.window.symbol,
            "interval": self.window.interval,
            "dataset": self.dataset.name,
        }
        told |= {"synthetic": self.dataset.synthetic, "count": len(chosen)}
        columns = bar_tokens(start[chosen], end[chosen], bars.take(chosen))
        upcoming = dt.datetime.fromtimestamp(int(start[left_out[0]]), dt.UTC) if len(left_out) else None
        return BarTable(told, columns, {}), upcoming

    def _columns(self, limit: int | None) -> tuple[Ints, Ints, BarColumns]:
        """Start and end of each bar in seconds since 1970, and the bars."""
        days = load_days(self._needed(limit))
        if not days:
            return np.empty(0, np.int64), np.empty(0, np.int64), empty()
        width = parse_interval(self.window.interval)
        parts = [self._day(day, width) for day in days]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]), join([p[2] for p in parts])

    def _needed(self, limit: int | None) -> list[int]:
        """The first days until they surely hold more than `limit` bars; the first two may be cut by a moment."""
        needed: list[int] = []
        held = 0
        for number, (pk, _, count) in enumerate(self.days):
            if limit and held > limit and not self.derived:
                break
            needed.append(pk)
            held += count if number > 1 else 0
        return needed

    def _day(self, day: Day, width: int) -> tuple[Ints, Ints, BarColumns]:
        if self.derived:
            made = derive(day.bars, (day.close - day.open) // 60, width)
            return day.open + made.columns.offset, day.open + made.end_offset, made.columns
        start = day.open + day.bars.offset
        end = start + width * 60
        return start, np.minimum(end, day.close) if self.window.scope == Scope.REGULAR else end, day.bars


def date_of(moment: Moment) -> dt.date:
    return moment.astimezone(dt.UTC).date() if isinstance(moment, dt.datetime) else moment


def days_within(rows: QuerySet[M], start: Moment | None, end: Moment | None) -> QuerySet[M]:
    """Whole days, without bounds the latest; a day more for a moment, as UTC and the exchange's date may differ."""
    if start is None and end is None:
        return rows.filter(date=rows.order_by("-date").values("date")[:1])
    if start is not None:
        rows = rows.filter(date__gte=date_of(start) - _slack(start))
    return rows.filter(date__lte=date_of(end) + _slack(end)) if end is not None else rows


def best_dataset(rows: QuerySet[M]) -> int | None:
    """Real before synthetic, then the one with the most of these days; None where there are none."""
    counted = rows.order_by().values("dataset").annotate(days=Count("pk"))
    best = counted.order_by("dataset__synthetic", "-days", "dataset").first()
    return best["dataset"] if best else None


def _slack(moment: Moment) -> dt.timedelta:
    return dt.timedelta(days=1 if isinstance(moment, dt.datetime) else 0)


def _second(moment: Moment | None) -> float | None:
    """A moment's second; a date bounds whole days and no seconds."""
    return moment.timestamp() if isinstance(moment, dt.datetime) else None
