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
from streaming.engine.bus import stream_key
from streaming.engine.frames import FrameId, milliseconds
from streaming.gateway.moments import SECOND

MILLISECOND = SECOND // 1000


def visible(session: Session) -> int:
    """Nanoseconds of the last published frame; before the first, of the instant that the session begins at."""
    newest = newest_frame(session)
    known = [newest.ms] if newest else []
    if session.clock:
        known.append(milliseconds(session.clock))
    return max(known, default=_beginning(session)) * MILLISECOND


def newest_frame(session: Session) -> FrameId | None:
    """The last published frame of the current generation.

    The row is written up to a fifth of a second after the frame went out: nothing that a socket has sent may be
    missing from an answer, hence the look at the stream itself.
    """
    frames = [FrameId.parse(f"{session.generation}.{session.frame_id}")] if session.frame_id else []
    return max(frames + _top_of_stream(session), default=None)


def _top_of_stream(session: Session) -> list[FrameId]:
    """Empty where the stream is, or where Redis is away."""
    try:
        reply = wakeup.connection().xrevrange(stream_key(session.pk, session.generation), count=1)
    except (redis.ConnectionError, redis.TimeoutError):
        return []
    entries = cast("list[tuple[bytes, Mapping[bytes, bytes]]]", reply)
    return [FrameId.parse(f"{session.generation}.{entry.decode()}") for entry, _ in entries]


def _beginning(session: Session) -> int:
    return milliseconds(session.start_at or calendar.trading_day(session.start_date).open)


def moving(session: Session, now: dt.datetime) -> dt.datetime:
    """Market time at the wall's `now`: never before the visible clock, never past the next unpublished frame."""
    shown = visible(session) / MILLISECOND
    told = session.moving
    if session.is_live and told.get("generation") == session.generation:
        elapsed = now.timestamp() * 1000 - told["wall"]
        shown = max(shown, min(told["market"] + elapsed * told["pace"], told["until"]))
    return dt.datetime.fromtimestamp(shown / 1000, dt.UTC)


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
