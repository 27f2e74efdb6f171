"""A session's bars up to its clock as one table: the current day's, or those of all its days so far."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import numpy as np

from marketdata.actions.adjusting import Adjuster, Adjustment
from marketdata.bar_json import BarTable, bar_tokens, constant, numbers
from marketdata.columns import BarColumns, Ints, join_bars
from marketdata.derive import derive
from marketdata.hours import DayPart, Hours
from marketdata.intervals import parse_interval
from marketdata.trading_day import TradingDay
from marketdata.windows.window import Moment, date_of
from sessions.models import Session
from streaming.as_of.played_days import day_bars
from streaming.as_of.session_data import clock_of
from streaming.engine.frames.frame_id import milliseconds, rfc3339
from streaming.engine.records import journal

Part = tuple[Ints, Ints, BarColumns, Ints, Ints, Ints]
"""Starts and ends in seconds since 1970, bars, minutes present and expected; -1 before the open, 1 after the close."""
PARTS = {-1: DayPart.PRE, 0: DayPart.REGULAR, 1: DayPart.POST}


def bar_table_as_of(
    session: Session,
    symbol: str,
    interval: str,
    start: Moment | None = None,
    end: Moment | None = None,
    limit: int | None = None,
    adjustment: str = Adjustment.RAW,
) -> BarTable:
    """The newest `limit` of the bars up to the clock within the window, in wire form.

    Adjusted by actions that have gone ex by the clock's day, never by later ones. Raises CannotAdjust.
    """
    clock = clock_of(session)
    days = _days(session, symbol, clock, start, end) if clock else []
    if days and clock:
        days = _adjusted(session, symbol, days, clock, adjustment)
    width = parse_interval(interval)
    parts = [_part(day, bars, width, min(_until(end), clock.timestamp()), start) for day, bars in days if clock]
    payload = {"session": session.pk, "symbol": symbol, "interval": interval}
    payload["clock"] = rfc3339(milliseconds(clock)) if clock else None
    return BarTable(payload, _columns(session, symbol, interval, parts, limit), {})


def _days(
    session: Session, symbol: str, clock: dt.datetime, start: Moment | None, end: Moment | None
) -> list[tuple[TradingDay, BarColumns]]:
    """What the session plays of the symbol, of days no later than the clock's."""
    dates = list(_dates(session, clock, start, end))
    entries = journal.read(session.pk, pins_of=dates)
    found = day_bars(session, entries, dates, [symbol])
    return [(day, bars[symbol]) for day, bars in found if symbol in bars]


def _adjusted(
    session: Session, symbol: str, days: list[tuple[TradingDay, BarColumns]], clock: dt.datetime, adjustment: str
) -> list[tuple[TradingDay, BarColumns]]:
    today = session.calendar.session_date_of(clock)
    adjuster = Adjuster(session.dataset, symbol, days[0][0].date, today, adjustment)
    return [(day, adjuster.at(day.date).of(bars)) for day, bars in days]


def _dates(session: Session, clock: dt.datetime, start: Moment | None, end: Moment | None) -> Iterator[dt.date]:
    today = session.calendar.session_date_of(clock)
    if start is None and end is None:
        return iter([today])
    first = max(session.start_date, date_of(start) - dt.timedelta(days=1)) if start else session.start_date
    last = min(today, date_of(end) + dt.timedelta(days=1)) if end else today
    within = (day.date for day in session.calendar.trading_days(first, last)) if first <= last else iter([])
    return (date for date in within if _inside(date, start, end))


def _inside(date: dt.date, start: Moment | None, end: Moment | None) -> bool:
    """Whole days count as such; what a moment cuts is seen bar by bar."""
    late = isinstance(end, dt.datetime) or end is None or date <= end
    return late and (isinstance(start, dt.datetime) or start is None or date >= start)


def _until(end: Moment | None) -> float:
    return end.timestamp() if isinstance(end, dt.datetime) else float("inf")


def _part(day: TradingDay, bars: BarColumns, width: int, until: float, start: Moment | None) -> Part:
    made = derive(bars, day.minutes, width, before=day.minutes_before, after=day.minutes_after, midday=day.midday)
    opened, offset = round(day.open.timestamp()), made.columns.offset
    starts, ends = opened + offset, opened + made.end_offset
    place = (offset >= day.minutes * 60).astype(np.int64) - (offset < 0)
    shown = ends <= until
    if isinstance(start, dt.datetime):
        shown &= starts >= start.timestamp()
    table = (starts, ends, made.columns, made.n_present, made.n_expected, place)
    return tuple(column.take(shown) if isinstance(column, BarColumns) else column[shown] for column in table)  # type: ignore[return-value]


def _columns(session: Session, symbol: str, interval: str, parts: list[Part], limit: int | None) -> dict[str, Any]:
    none = np.empty(0, np.int64)
    parts = parts or [(none, none, BarColumns(none, *[np.empty(0)] * 7), none, none, none)]
    starts, ends, present, expected, place = (np.concatenate([part[i] for part in parts]) for i in (0, 1, 3, 4, 5))
    newest = slice(max(0, len(starts) - limit) if limit else 0, None)
    bars = join_bars([part[2] for part in parts]).take(newest)
    words = [b'"%b"' % PARTS[each].encode() for each in place[newest].tolist()]
    fixed = {"type": "bar", "symbol": symbol, "interval": interval}
    return {
        **{name: constant(value, len(bars)) for name, value in fixed.items()},
        **bar_tokens(starts[newest], ends[newest], bars),
        "n_present": numbers(present[newest]),
        "n_expected": numbers(expected[newest]),
        "complete": numbers(present[newest] == expected[newest]),
        "synthetic": constant(session.dataset.synthetic, len(bars)),
        **({"hours": words} if session.hours == Hours.EXTENDED else {}),
    }
