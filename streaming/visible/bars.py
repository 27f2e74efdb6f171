"""A session's bars up to its visible clock as one table: the current day's, or those of all its days so far."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import numpy as np

from marketdata import calendar
from marketdata.columns import BarColumns, Ints
from marketdata.derive import derive
from marketdata.history import Day, Moment, date_of, load_days
from marketdata.intervals import parse_interval
from marketdata.table import BarTable, bar_tokens, constant, join, numbers
from sessions.models import Session
from streaming.engine import journal
from streaming.engine.frames import milliseconds, rfc3339
from streaming.visible.session_data import visible_clock

Part = tuple[Ints, Ints, BarColumns, Ints, Ints]
"""Starts and ends in seconds since 1970, bars, minutes present and expected."""


def visible_table(
    session: Session,
    symbol: str,
    interval: str,
    start: Moment | None = None,
    end: Moment | None = None,
    limit: int | None = None,
) -> BarTable:
    """The newest `limit` of the visible bars within the window, in wire form."""
    clock = visible_clock(session)
    days = load_days(_pinned(session, symbol, clock, start, end)) if clock else []
    width = parse_interval(interval)
    parts = [_part(day, width, min(_until(end), clock.timestamp()), start) for day in days if clock]
    told = {"session": session.pk, "symbol": symbol, "interval": interval}
    told["clock"] = rfc3339(milliseconds(clock)) if clock else None
    return BarTable(told, _columns(session, symbol, interval, parts, limit), {})


def _pinned(session: Session, symbol: str, clock: dt.datetime, start: Moment | None, end: Moment | None) -> list[int]:
    """The rows that the session plays of the symbol, of days no later than the clock's."""
    entries = journal.read(session.pk)
    rows = (entries.playing(session, date).get(symbol) for date in _dates(session, clock, start, end))
    return [row for row in rows if row is not None]


def _dates(session: Session, clock: dt.datetime, start: Moment | None, end: Moment | None) -> Iterator[dt.date]:
    today = calendar.session_date_of(clock)
    if start is None and end is None:
        return iter([today])
    first = max(session.start_date, date_of(start) - dt.timedelta(days=1)) if start else session.start_date
    last = min(today, date_of(end) + dt.timedelta(days=1)) if end else today
    wanted = (day.date for day in calendar.trading_days(first, last)) if first <= last else iter([])
    return (date for date in wanted if _inside(date, start, end))


def _inside(date: dt.date, start: Moment | None, end: Moment | None) -> bool:
    """Whole days count as such; what a moment cuts is seen bar by bar."""
    late = isinstance(end, dt.datetime) or end is None or date <= end
    return late and (isinstance(start, dt.datetime) or start is None or date >= start)


def _until(end: Moment | None) -> float:
    return end.timestamp() if isinstance(end, dt.datetime) else float("inf")


def _part(day: Day, width: int, until: float, start: Moment | None) -> Part:
    made = derive(day.bars, (day.close - day.open) // 60, width)
    starts, ends = day.open + made.columns.offset, day.open + made.end_offset
    shown = ends <= until
    if isinstance(start, dt.datetime):
        shown &= starts >= start.timestamp()
    return starts[shown], ends[shown], made.columns.take(shown), made.n_present[shown], made.n_expected[shown]


def _columns(session: Session, symbol: str, interval: str, parts: list[Part], limit: int | None) -> dict[str, Any]:
    none = np.empty(0, np.int64)
    parts = parts or [(none, none, BarColumns(none, *[np.empty(0)] * 7), none, none)]
    starts, ends, present, expected = (np.concatenate([part[i] for part in parts]) for i in (0, 1, 3, 4))
    newest = slice(max(0, len(starts) - limit) if limit else 0, None)
    bars = join([part[2] for part in parts]).take(newest)
    fixed = {"type": "bar", "symbol": symbol, "interval": interval}
    return {
        **{name: constant(value, len(bars)) for name, value in fixed.items()},
        **bar_tokens(starts[newest], ends[newest], bars),
        "n_present": numbers(present[newest]),
        "n_expected": numbers(expected[newest]),
        "complete": numbers(present[newest] == expected[newest]),
        "synthetic": constant(session.dataset.synthetic, len(bars)),
    }
