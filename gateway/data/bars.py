"""Bars of any timeframe from minutes up to the clock, by the broker's rules.

Intraday bars start on multiples of their width from New York's midnight. Days, weeks and months start at its
midnight; their prices, the vwap among them, are the regular session's, their volume and count also the extended
hours'. Bars that are not over yet are shown as they stand, except those of one minute.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gateway.data.day_cache import DayRow, Days, Minutes, or_typical
from gateway.data.page_tokens import Row, Rows, Span
from gateway.data.timeframes import Timeframe, Unit
from gateway.wire.moments import midnight, new_york_date, rfc3339_ns
from marketdata.actions.adjusting import Adjuster
from marketdata.columns import BarColumns, Ints
from marketdata.derive import derive_many
from marketdata.units import SECOND_NS
from marketdata.wire_events import whole

MINUTES_A_DAY = 24 * 60
INTRADAY_AT_ONCE, LONGER_AT_ONCE = 16, 128
"""Stored days read at a time, at least: a page of intraday bars needs few of them."""
DAY = Timeframe(1, Unit.DAY)
MINUTE_BARS = Timeframe(1, Unit.MINUTE)


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """n bars of one symbol in time order; `columns.offset` means nothing here, `stamps` are nanoseconds."""

    stamps: Ints
    columns: BarColumns

    def __len__(self) -> int:
        return len(self.stamps)

    def rows(self) -> list[Row]:
        """In the broker's wire form."""
        c = self.columns
        prices = (column.tolist() for column in (c.open, c.high, c.low, c.close))
        amounts = ([whole(cell) for cell in column.tolist()] for column in (c.volume, c.trade_count))
        stamps = map(rfc3339_ns, self.stamps.tolist())
        return [
            {"t": t, "o": o, "h": h, "l": low, "c": close, "v": v, "n": n, "vw": vw}
            for t, o, h, low, close, v, n, vw in zip(stamps, *prices, *amounts, c.vwap.tolist(), strict=True)
        ]

    def last(self) -> Row | None:
        return self.take(slice(len(self) - 1, None)).rows()[0] if len(self) else None

    def take(self, index: slice | np.ndarray) -> Bars:
        return Bars(self.stamps[index], self.columns.take(index))


def read(
    days: Days, rows: Sequence[DayRow], timeframe: Timeframe, span: Span, adjuster: Adjuster | None = None
) -> Rows:
    """At most `span.most` bars of one symbol, from `rows`: its days that may hold any; adjusted as of the clock."""
    stamps: list[int] = []
    found: list[Row] = []
    for group in _groups(rows, timeframe, span.descending):
        bars = aggregate(days.minutes(group, adjuster), timeframe)
        bars = bars.take((bars.stamps >= span.start) & (bars.stamps <= span.end))
        if span.descending:
            bars = bars.take(slice(None, None, -1))
        bars = bars.take(slice(None, span.most - len(found)))
        stamps += bars.stamps.tolist()
        found += bars.rows()
        if len(found) >= span.most:
            break
    return Rows(stamps, found)


def dates_of(span: Span, timeframe: Timeframe) -> tuple[dt.date, dt.date]:
    """First and last date whose minutes can be part of bars that start within the span."""
    first, last = new_york_date(span.start), new_york_date(span.end)
    return timeframe.period_start(first), timeframe.period_end(last)


def _groups(rows: Sequence[DayRow], timeframe: Timeframe, descending: bool) -> Iterator[list[DayRow]]:
    """Days in the asked order, some at a time, never parting what belongs to one bar."""
    periods: dict[dt.date, list[DayRow]] = {}
    for row in rows:
        periods.setdefault(timeframe.period_start(row.date), []).append(row)
    size = INTRADAY_AT_ONCE if timeframe.is_intraday else LONGER_AT_ONCE
    group: list[DayRow] = []
    for start in sorted(periods, reverse=descending):
        group += periods[start]
        if len(group) >= size:
            yield group
            group = []
    if group:
        yield group


def aggregate(minutes: Minutes, timeframe: Timeframe) -> Bars:
    if timeframe.is_minute:
        return Bars(minutes.stamps, minutes.bars)
    if timeframe.is_intraday:
        derived, start = derive_many(minutes.bars, minutes.midnight, MINUTES_A_DAY, timeframe.minutes)
        return Bars(start + derived.columns.offset * SECOND_NS, _priced(derived.columns))
    return _periods(minutes, timeframe)


def _periods(minutes: Minutes, timeframe: Timeframe) -> Bars:
    """Days, weeks, months: whole dates, hence one bucket for each period."""
    dates, of = np.unique(minutes.midnight, return_inverse=True)
    starts = [midnight(timeframe.period_start(new_york_date(int(date)))) for date in dates]
    period = np.array(starts, np.int64)[of]
    regular = minutes.take(minutes.regular)
    prices, start = derive_many(regular.bars, period[minutes.regular], MINUTES_A_DAY, MINUTES_A_DAY)
    amounts, everywhere = derive_many(minutes.bars, period, MINUTES_A_DAY, MINUTES_A_DAY)
    amounts_there = amounts.columns.take(np.isin(everywhere, start))
    taken = {name: getattr(amounts_there, name) for name in ("volume", "trade_count")}
    return Bars(start, _priced(replace(prices.columns, **taken)))


def _priced(columns: BarColumns) -> BarColumns:
    """Rounding must not carry a vwap over the bar's own range."""
    return replace(columns, vwap=np.clip(np.round(or_typical(columns.vwap, columns), 6), columns.low, columns.high))
