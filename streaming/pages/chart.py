"""What a session's chart shows, up to the visible clock: `[start in seconds, open, high, low, close, volume]`."""

from __future__ import annotations

import datetime as dt
from typing import Any

from marketdata import calendar, store
from marketdata.day_page import points
from sessions.models import Session
from streaming.engine import journal
from streaming.engine.frames import milliseconds

SHOWN_DAYS = 5


def days_so_far(session_id: int, symbol: str, clock: str) -> list[list[Any]]:
    """The symbol's bars that are over by the clock, of its day and the few before it, oldest first."""
    session = Session.objects.get(pk=session_id)
    now = dt.datetime.fromisoformat(clock)
    entries = journal.read(session_id)
    found: list[list[Any]] = []
    for day in calendar.trading_days(session.start_date, calendar.session_date_of(now))[-SHOWN_DAYS:]:
        pinned = entries.in_effect(day.date, session.generation, now).get(symbol)
        if pinned is not None:
            found += points(milliseconds(day.open) // 1000, store.load_versions([pinned])[symbol].bars)
    return [row for row in found if row[0] + 60 <= now.timestamp()]
