"""`follow`: the one way to read a session. SSE, WebSocket, `tail_session` and `stream_bars` are loops over it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Any

import redis
from django.db import DatabaseError

from sessions.models import ENDED, Session
from streaming import rederive
from streaming.bus import Tail
from streaming.db import in_thread
from streaming.frames import Frame, FrameId, rfc3339
from streaming.session_data import snapshot

STATE_EVERY = 1.0
RETRY_AFTER = 0.5


class SessionUnknown(LookupError):
    """No session has this number."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that is not market data: no id, outside the hash chain, not repeated on reconnect."""

    event: dict[str, Any]

    def wire(self, symbols: Collection[str] | None = None, intervals: Collection[str] | None = None) -> dict[str, Any]:
        event = self.event
        if "bars" in event:
            event = {**event, "bars": [bar for bar in event["bars"] if _wanted(bar, symbols, intervals)]}
        return {"id": None, "clock": event.get("clock"), "hash": None, "events": [event]}


def _wanted(bar: dict[str, Any], symbols: Collection[str] | None, intervals: Collection[str] | None) -> bool:
    return (symbols is None or bar["symbol"] in symbols) and (intervals is None or bar["interval"] in intervals)


async def follow(
    session_id: int,
    *,
    after: str | None = None,
    from_start: bool = False,
    symbols: Collection[str] | None = None,
    intervals: Collection[str] | None = None,
) -> AsyncIterator[dict[str, Any]]:
    """Frames in wire form, every one after the cursor exactly once and in order, until the session's `end`.

    Without a cursor: a `snapshot` of the day so far, then the tail; `from_start`: every frame of the run.
    Raises SessionUnknown, and CursorError for a malformed cursor.
    """
    cursor = FrameId.parse(after) if after else None
    async for item in Follower(session_id, cursor, from_start or after is not None).items():
        yield item.wire(symbols, intervals)


class Follower:
    """One reader's place in a session: a tail of the stream, with lost or trimmed frames re-derived."""

    def __init__(self, session_id: int, cursor: FrameId | None, from_cursor: bool) -> None:
        self.session_id, self.cursor, self.from_cursor = session_id, cursor, from_cursor
        self.tail = Tail(session_id)
        self.state = ""

    async def items(self) -> AsyncIterator[Frame | Notice]:
        try:
            session = await self._session()
            self.generation = session.generation
            async for item in self._join(session):
                yield item
            async for item in self._follow(session):
                yield item
        finally:
            await self.tail.aclose()

    async def _session(self) -> Session:
        rows = Session.objects.select_related("dataset")
        session = await in_thread(rows.filter(pk=self.session_id).first)()
        if session is None:
            raise SessionUnknown(f"There is no session {self.session_id}.")
        return session

    async def _join(self, session: Session) -> AsyncIterator[Frame | Notice]:
        if self.cursor and self.cursor.generation != session.generation:
            reason = f"cursor of generation {self.cursor.generation}, the session is at {session.generation}"
            self.cursor, self.from_cursor = None, False
            yield Notice({"type": "reset", "reason": reason})
        if not self.from_cursor:
            event = await in_thread(snapshot)(session)
            if event["as_of"]:
                self.cursor = FrameId.parse(event["as_of"])
            yield Notice(event)

    async def _follow(self, session: Session) -> AsyncIterator[Frame | Notice]:
        loop = asyncio.get_running_loop()
        looked = loop.time()
        async for notice in self._look(session):
            yield notice
        while True:
            frames = await self._read()
            async for frame in self._in_order(session, frames):
                yield frame
            if frames and loop.time() - looked < STATE_EVERY:
                continue
            looked = loop.time()
            session = await self._refreshed(session)
            if not frames:
                async for frame in self._catch_up(session):
                    yield frame
            async for item in self._look(session):
                yield item
            if self._over(session):
                return

    async def _read(self) -> list[Frame]:
        try:
            return await self.tail.read(self.generation, self.cursor)
        except (redis.ConnectionError, redis.TimeoutError):
            await asyncio.sleep(RETRY_AFTER)
            return []

    async def _refreshed(self, session: Session) -> Session:
        """The row as it is now; as it was where Postgres does not answer, for then nothing can have changed."""
        try:
            return await self._session()
        except DatabaseError:
            await asyncio.sleep(RETRY_AFTER)
            return session

    async def _in_order(self, session: Session, frames: list[Frame]) -> AsyncIterator[Frame]:
        """Each frame names the one before it: what the stream no longer has is made again first."""
        for frame in frames:
            if frame.prev and frame.prev != self.cursor:
                async for missing in self._rederived(session, frame.prev):
                    yield missing
            self.cursor = frame.id
            yield frame

    async def _catch_up(self, session: Session) -> AsyncIterator[Frame]:
        """Frames that Postgres knows of and the stream, being lost or expired, has not."""
        last = self._last(session)
        if last and (self.cursor is None or self.cursor < last):
            async for frame in self._rederived(session, last):
                yield frame

    async def _rederived(self, session: Session, until: FrameId) -> AsyncIterator[Frame]:
        days = rederive.frames_between(session, self.generation, self.cursor, until)
        while (day := await in_thread(next)(days, None)) is not None:
            for frame in day:
                self.cursor = frame.id
                yield frame

    async def _look(self, session: Session) -> AsyncIterator[Notice]:
        """Say what changed on the row: a new generation, a new state."""
        if session.generation != self.generation:
            self.generation, self.cursor = session.generation, None
            yield Notice({"type": "reset", "reason": f"moved to generation {session.generation}"})
        if session.state != self.state and (session.state not in ENDED or self._over(session)):
            self.state = session.state
            clock = rfc3339(self.cursor.ms) if self.cursor else None
            yield Notice({"type": "state", "state": session.state, "reason": session.reason, "clock": clock})
            if session.state in ENDED:
                yield Notice({"type": "end", "state": session.state, "reason": session.reason, "clock": clock})

    def _last(self, session: Session) -> FrameId | None:
        return FrameId.parse(f"{session.generation}.{session.frame_id}") if session.frame_id else None

    def _over(self, session: Session) -> bool:
        last = self._last(session)
        return session.state in ENDED and (last is None or (self.cursor is not None and self.cursor >= last))
