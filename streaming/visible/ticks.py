"""A session's trades and quotes of the current day, as its readers may see them: never later than its clock."""

from __future__ import annotations

import datetime as dt
from typing import Any

from marketdata import calendar
from marketdata.ticks.columns import TickColumns, TickKind
from marketdata.ticks.history import open_ns
from marketdata.ticks.store import StoredTicks, find_versions, load_between
from marketdata.ticks.wire import events
from sessions.models import Session
from streaming.engine import journal
from streaming.engine.frames import milliseconds

MS = 1_000_000


def visible_ticks(
    session: Session,
    kind: TickKind,
    symbol: str,
    limit: int | None = None,
    start: dt.datetime | None = None,
    clock: dt.datetime | None = None,
) -> list[dict[str, Any]]:
    """The events known by the visible clock in wire form, oldest first; of more than `limit`, the newest.

    `clock`: an earlier one, for a reader who stands behind it.
    """
    clock = min(filter(None, (clock, session.clock)), default=None)
    day = pinned_day(session, kind, symbol, clock) if clock else None
    if clock is None or day is None:
        return []
    opened = open_ns(calendar.session_date_of(clock))
    first = 0 if start is None else milliseconds(start) * MS - opened
    rows = known_rows(day, milliseconds(clock) * MS - opened, first, limit)
    return list(events(rows, symbol, opened, synthetic=session.dataset.synthetic))


def pinned_day(session: Session, kind: TickKind, symbol: str, clock: dt.datetime) -> StoredTicks | None:
    """The day that the session plays at that clock."""
    date = calendar.session_date_of(clock)
    pin = journal.read(session.pk, date).tick_pins(date, kind).get(symbol)
    return find_versions([pin])[0] if pin is not None else None


def known_rows(day: StoredTicks, clock: int, first: int = 0, limit: int | None = None) -> TickColumns:
    """Rows with first ≤ at ≤ clock, in nanoseconds from the open."""
    return load_between(day, first, clock + 1, limit)
