"""Bars of a window as one table."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from marketdata.actions.adjusting import Adjuster, Adjustment
from marketdata.actions.known import actions_between
from marketdata.bar_json import BarTable, bar_tokens
from marketdata.calendar import FIRST, LAST
from marketdata.columns import BarColumns, Ints, join_bars, no_bars
from marketdata.derive import derive
from marketdata.intervals import parse_interval
from marketdata.kinds import DayKind
from marketdata.models import Dataset, Scope
from marketdata.store import BoundedDay, load_bounded_days
from marketdata.windows.window import Window, second_of


@dataclass(frozen=True, slots=True, kw_only=True)
class BarWindow(Window):
    interval: str = "1m"
    adjustment: str = Adjustment.RAW

    def find(self) -> Found:
        """The days that the store has of it, from one dataset. Raises WindowError."""
        minutes = self.stored().minutes()
        derived = self.scope == Scope.REGULAR and self.interval != "1m" and self.within(minutes).exists()
        rows = minutes if derived else self.stored().of(DayKind.BARS, self.interval)
        dataset = self.choose(rows, f"{self.interval} bars")
        days = [(day.pk, day.date, day.row_count) for day in self.days(rows.only("date", "row_count"), dataset)]
        return Found(self, dataset, days, derived)


@dataclass(frozen=True, slots=True)
class Found:
    """A window's days: (row, date, bars) each, oldest first."""

    window: BarWindow
    dataset: Dataset
    days: list[tuple[int, dt.date, int]]
    derived: bool

    @property
    def bar_count(self) -> int:
        return sum(count for _, _, count in self.days)

    def version(self) -> tuple[object, ...]:
        """Changes exactly when the answer would: a row's content never does."""
        adjusted = self.window.adjustment != Adjustment.RAW
        actions = actions_between(self.window.symbol, FIRST, LAST) if adjusted else []
        return self.window, self.dataset.pk, self.dataset.name, [pk for pk, _, _ in self.days], self.derived, actions

    def table(self, limit: int | None = None) -> tuple[BarTable, dt.datetime | None]:
        """The bars, at most `limit` of them, and the start of the first one left out."""
        start, end, bars = self._columns(limit)
        inside = np.ones(len(start), bool)
        if (after := second_of(self.window.start)) is not None:
            inside &= start >= after
        if (before := second_of(self.window.end)) is not None:
            inside &= start < before
        chosen = np.flatnonzero(inside)
        left_out = chosen[limit:] if limit else chosen[:0]
        chosen = chosen[:limit] if limit else chosen
        shared: dict[str, Any] = {
            "symbol": self.window.symbol,
            "interval": self.window.interval,
            "dataset": self.dataset.name,
        }
        shared |= {"synthetic": self.dataset.synthetic, "count": len(chosen)}
        columns = bar_tokens(start[chosen], end[chosen], bars.take(chosen))
        upcoming = dt.datetime.fromtimestamp(int(start[left_out[0]]), dt.UTC) if len(left_out) else None
        return BarTable(shared, columns, {}), upcoming

    def _columns(self, limit: int | None) -> tuple[Ints, Ints, BarColumns]:
        """Start and end of each bar in seconds since 1970, and the bars."""
        days = load_bounded_days(self._needed(limit))
        if not days:
            return np.empty(0, np.int64), np.empty(0, np.int64), no_bars()
        width, asked = parse_interval(self.window.interval), self.window
        adjuster = Adjuster(self.dataset, asked.symbol, days[0].date, LAST, asked.adjustment)
        parts = [self._day(replace(day, bars=adjuster.at(day.date).of(day.bars)), width) for day in days]
        return (
            np.concatenate([p[0] for p in parts]),
            np.concatenate([p[1] for p in parts]),
            join_bars([p[2] for p in parts]),
        )

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

    def _day(self, day: BoundedDay, width: int) -> tuple[Ints, Ints, BarColumns]:
        if self.derived:
            made = derive(day.bars, (day.close - day.open) // 60, width, midday=day.midday)
            return day.open + made.columns.offset, day.open + made.end_offset, made.columns
        start = day.open + day.bars.offset
        end = start + width * 60
        return start, np.minimum(end, day.close) if self.window.scope == Scope.REGULAR else end, day.bars
