"""A session's trades and quotes of the current day, as its readers may see them: never later than its clock."""

from __future__ import annotations

import datetime as dt
from typing import Any

from marketdata.columns import TickColumns
from marketdata.hours import DayPart, Hours
from marketdata.kinds import DayKind, outside
from marketdata.store import StoredDay, find_versions, load_between
from marketdata.trading_day import TradingDay
from marketdata.units import MILLISECOND_NS
from marketdata.wire_events import events
from sessions.models import Session
from streaming.engine.frames.frame_id import milliseconds
from streaming.engine.records import journal


def trades_quotes_as_of(
    session: Session,
    kind: DayKind,
    symbol: str,
    limit: int | None = None,
    start: dt.datetime | None = None,
    clock: dt.datetime | None = None,
) -> list[dict[str, Any]]:
    """The events known by the clock in wire form, oldest first; of more than `limit`, the newest.

    `clock`: an earlier one, for a reader who stands behind it.
    """
    clock = min(filter(None, (clock, session.run.clock)), default=None)
    if clock is None:
        return []
    day = session.calendar.trading_day(session.calendar.session_date_of(clock))
    opened = milliseconds(day.open) * MILLISECOND_NS
    first = milliseconds(start or day.begin) * MILLISECOND_NS - opened
    last = milliseconds(clock) * MILLISECOND_NS - opened
    close = milliseconds(day.close) * MILLISECOND_NS - opened
    parts: list[dict[str, Any]] = []
    # From the latest part of the day back, as long as events are to be found.
    for name, low, high in _parts(session, day, kind, close):
        left = None if limit is None else limit - len(parts)
        pinned = _pinned_day(session, name, symbol, day) if left is None or left > 0 else None
        if pinned is not None and max(first, low) <= min(last, high):
            rows = known_rows(pinned, min(last, high), max(first, low), left)
            found = events(rows, symbol, opened, synthetic=session.dataset.synthetic)
            mark = {} if name == kind else {"hours": (DayPart.PRE if high < 0 else DayPart.POST).value}
            parts = [*({**event, **mark} for event in found), *parts]
    return parts


def _parts(session: Session, day: TradingDay, kind: DayKind, close: int) -> list[tuple[str, int, int]]:
    """What is pinned as, and its first and last nanosecond from the open; the latest part of the day first."""
    regular = (str(kind), 0, close - 1)
    if session.hours != Hours.EXTENDED:
        return [regular]
    opened = milliseconds(day.open)
    begin, end = ((milliseconds(each) - opened) * MILLISECOND_NS for each in (day.begin, day.end))
    return [(outside(kind), close, end), regular, (outside(kind), begin, -1)]


def _pinned_day(session: Session, kind: str, symbol: str, day: TradingDay) -> StoredDay | None:
    """The stored day that the session plays."""
    pin = journal.read(session.pk, day.date).pins(day.date, kind).get(symbol)
    return find_versions([pin])[0] if pin is not None else None


def known_rows(day: StoredDay, clock: int, first: int = 0, limit: int | None = None) -> TickColumns:
    """Rows with first ≤ at ≤ clock, in nanoseconds from the open."""
    return load_between(day, first, clock + 1, limit)
