"""Wider bars from minutes, anchored to the session's open. Pure numpy: upkeep and the coordinator both call it.

Extended hours make bars of their own: anchored to where the day begins, and after it to the close, clipped at the open
and at the day's end. No bar has minutes of two parts; a bar of a day is the regular session's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketdata.columns import BarColumns, Floats, Ints
from marketdata.intervals import DAY
from marketdata.trading_day import NO_BREAK, Break


@dataclass(frozen=True, slots=True, eq=False)
class DerivedColumns:
    """Derived bars in time order; only buckets that have at least one minute.

    `columns.offset`: bucket start, seconds from the open. `end_offset`: its end, clipped at the close and where a
    midday break begins.
    `n_present` / `n_expected`: minutes that it has, and that the session has in it.
    """

    columns: BarColumns
    end_offset: Ints
    n_present: Ints
    n_expected: Ints


def derive(
    bars: BarColumns,
    session_minutes: int,
    width_minutes: int,
    *,
    before: int = 0,
    after: int = 0,
    midday: Break = NO_BREAK,
) -> DerivedColumns:
    """One instrument's day of minutes as bars of `width_minutes`; `before`, `after`: minutes of extended hours."""
    group = np.zeros(len(bars), np.int64)
    derived, _ = derive_many(bars, group, session_minutes, width_minutes, before=before, after=after, midday=midday)
    return derived


def derive_many(
    bars: BarColumns,
    group: Ints,
    session_minutes: int,
    width_minutes: int,
    *,
    before: int = 0,
    after: int = 0,
    midday: Break = NO_BREAK,
) -> tuple[DerivedColumns, Ints]:
    """Many instruments at once: rows sorted by (group, time); returns also the group of each derived row.

    open first, high max, low min, close last. Volume and trade count are the sums of the minutes that have
    them, NaN where none has. vwap is weighted by volume over the minutes that have both, NaN where none has.
    """
    extended = bool(before or after)
    if extended and width_minutes == DAY:
        regular = (bars.offset >= 0) & (bars.offset < session_minutes * 60)
        bars, group = bars.take(regular), group[regular]
    origin, limit = _parts(bars.offset // 60, session_minutes, before, after) if extended else (0, session_minutes)
    starts = (bars.offset // 60 - origin) // width_minutes * width_minutes + origin
    new = np.ones(len(bars), dtype=bool)
    new[1:] = (starts[1:] != starts[:-1]) | (group[1:] != group[:-1])
    first = np.flatnonzero(new)
    if not len(first):
        return DerivedColumns(bars, bars.offset, bars.offset, bars.offset), group
    last = np.append(first[1:], len(bars)) - 1
    start = starts[first]
    end = np.minimum(start + width_minutes, limit[first] if isinstance(limit, np.ndarray) else limit)
    end = np.where((start < midday.first) & (end > midday.first) & (end <= midday.end), midday.first, end)
    off = np.maximum(np.minimum(end, midday.end) - np.maximum(start, midday.first), 0)
    columns = BarColumns(
        start * 60,
        bars.open[first],
        np.maximum.reduceat(bars.high, first),
        np.minimum.reduceat(bars.low, first),
        bars.close[last],
        _sum(bars.volume, first),
        _sum(bars.trade_count, first),
        _weighted(bars.vwap, bars.volume, first),
    )
    return DerivedColumns(columns, end * 60, last - first + 1, end - start - off), group[first]


def _parts(minute: Ints, session_minutes: int, before: int, after: int) -> tuple[Ints, Ints]:
    """Where each minute's part of the day begins and ends."""
    pre, post = minute < 0, minute >= session_minutes
    origin = np.where(pre, -before, np.where(post, session_minutes, 0))
    return origin, np.where(pre, 0, np.where(post, session_minutes + after, session_minutes))


def _sum(values: Floats, first: np.ndarray) -> Floats:
    absent = np.isnan(values)
    total = np.add.reduceat(np.where(absent, 0.0, values), first)
    return np.where(np.logical_and.reduceat(absent, first), np.nan, total)


def _weighted(values: Floats, weights: Floats, first: np.ndarray) -> Floats:
    usable = ~np.isnan(values) & (weights > 0)
    weight = np.add.reduceat(np.where(usable, weights, 0.0), first)
    total = np.add.reduceat(np.where(usable, values * weights, 0.0), first)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(weight > 0, total / weight, np.nan)
