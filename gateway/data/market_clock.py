"""The session's clock as its bots see it: the last frame's bounds every answer, the moving one is shown."""

from __future__ import annotations

import datetime as dt
from typing import Any

from marketdata.calendar import NEW_YORK, TradingDay, calendar_of
from marketdata.exchange_calendar import ExchangeCalendar
from marketdata.foreseen_days import next_foreseen_day
from marketdata.units import MILLISECOND_NS
from sessions.models import Session
from streaming.as_of.newest_frame import clock_ms


def as_of(session: Session) -> int:
    """Nanoseconds of the last published frame; before the first, of the instant that the session begins at."""
    return clock_ms(session) * MILLISECOND_NS


def moving(session: Session, now: dt.datetime) -> dt.datetime:
    """Market time at the wall's `now`: never before the clock, never past the next unpublished frame."""
    shown = as_of(session) / MILLISECOND_NS
    reported = session.run.moving
    if session.is_live and reported.get("generation") == session.run.generation:
        elapsed = now.timestamp() * 1000 - reported["wall"]
        shown = max(shown, min(reported["market"] + elapsed * reported["pace"], reported["until"]))
    return dt.datetime.fromtimestamp(shown / 1000, dt.UTC)


def market_clock(at: dt.datetime, days: ExchangeCalendar | None = None) -> dict[str, Any]:
    """`/v2/clock`: both next_open and next_close are strictly later than the timestamp; by default New York's."""
    days = days or calendar_of()
    day = _day_not_over(at, days)
    later = next((opens for opens, _ in day.trading if opens > at), None)
    return {
        "timestamp": _new_york(at),
        "is_open": any(opens <= at < closes for opens, closes in day.trading),
        "next_open": _new_york(later or next_foreseen_day(days, day.date, days.session_date_of(at)).open),
        "next_close": _new_york(next(closes for _, closes in day.trading if closes > at)),
    }


def _day_not_over(at: dt.datetime, days: ExchangeCalendar) -> TradingDay:
    """The session that is on, else the next one."""
    date = days.session_date_of(at)
    if days.is_trading_day(date) and at < days.trading_day(date).close:
        return days.trading_day(date)
    return next_foreseen_day(days, date, date)


def _new_york(at: dt.datetime) -> str:
    return at.astimezone(NEW_YORK).isoformat()
