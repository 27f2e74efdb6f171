"""The newest published frame: what bounds every answer about a session."""

from __future__ import annotations

import redis

from sessions import redis_client
from sessions.models import Session
from streaming.engine.frames.frame_id import FrameId, milliseconds
from streaming.engine.publishing.bus import newest_of


def clock_ms(session: Session) -> int:
    """Milliseconds of the last published frame; before the first, of the instant that the session begins at."""
    newest = newest_frame(session)
    known = [newest.ms] if newest else []
    if session.run.clock:
        known.append(milliseconds(session.run.clock))
    return max(known, default=beginning_ms(session))


def newest_frame(session: Session) -> FrameId | None:
    """The last published frame of the current generation.

    The row is written up to a tenth of a second after the frame went out: nothing that a socket has sent may be
    missing from an answer, hence the look at the stream itself.
    """
    frames = [FrameId.parse(f"{session.run.generation}.{session.run.frame_id}")] if session.run.frame_id else []
    return max(frames + _top_of_stream(session), default=None)


def newest_frame_of(session_id: int) -> FrameId | None:
    """The same of a session whose row is read now."""
    return newest_frame(Session.objects.with_run().get(pk=session_id))


def _top_of_stream(session: Session) -> list[FrameId]:
    """Empty where the stream is, or where Redis is away."""
    try:
        newest = newest_of(redis_client.connection(), session.pk, session.run.generation)
    except (redis.ConnectionError, redis.TimeoutError):
        return []
    return [newest] if newest else []


def beginning_ms(session: Session) -> int:
    """The instant at which a session begins, before it has a frame."""
    return milliseconds(session.start_at or session.calendar.trading_day(session.start_date).begin)
