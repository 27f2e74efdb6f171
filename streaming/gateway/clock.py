"""The session's clock as its bots see it: the visible one bounds every answer, the moving one is told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, cast

import redis

from marketdata import calendar
from marketdata.calendar import NEW_YORK, TradingDay
from sessions import wakeup
from sessions.models import Session
from streaming.bus import stream_key
from streaming.frames import FrameId, milliseconds, moment
from streaming.gateway.moments import SECOND

MILLISECOND = SECOND // 1000


def visible(session: Session) -> int:
    """Nanoseconds of the last published frame; before the first, of the instant that it will have.

    The row is written up to a fifth of a second after the frame went out: nothing that a socket has sent may be
    missing from an answer, hence the look at the stream itself.
    """
    known = [milliseconds(session.clock)] if session.clock else []
    newest = _newest_frame(session)
    if newest is not None:
        known.append(newest)
    return max(known, default=_beginning(session)) * MILLISECOND


def _newest_frame(session: Session) -> int | None:
    """Of the current generation; None where the stream is empty or Redis is away."""
    try:
        reply = wakeup.connection().xrevrange(stream_key(session.pk, session.generation), count=1)
    except (redis.ConnectionError, redis.TimeoutError):
        return None
    entries = cast("list[tuple[bytes, Mapping[bytes, bytes]]]", reply)
    return FrameId.parse(f"{session.generation}.{entries[0][0].decode()}").ms if entries else None


def _beginning(session: Session) -> int:
    return milliseconds(calendar.trading_day(session.start_date).open)


def moving(session: Session, now: dt.datetime) -> dt.datetime:
    """Market time at the wall's `now`: never before the visible clock, never past the next unpublished frame."""
    shown = moment(visible(session) // MILLISECOND)
    return shown


def market_clock(at: dt.datetime) -> dict[str, Any]:
    """`/v2/clock`: both next_open and next_close are strictly later than the timestamp."""
    day = _day_not_over(at)
    is_open = day.open <= at
    following = calendar.next_trading_day(day.date) if is_open else day
    return {
        "timestamp": _new_york(at),
        "is_open": is_open,
        "next_open": _new_york(following.open),
        "next_close": _new_york(day.close),
    }


def _day_not_over(at: dt.datetime) -> TradingDay:
    """The session that is on, else the next one."""
    date = at.astimezone(NEW_YORK).date()
    if calendar.is_trading_day(date) and at < calendar.trading_day(date).close:
        return calendar.trading_day(date)
    return calendar.next_trading_day(date)


def _new_york(at: dt.datetime) -> str:
    return at.astimezone(NEW_YORK).isoformat()

