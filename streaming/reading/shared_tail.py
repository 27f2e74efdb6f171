"""A session's newest frames, read and decoded once for all readers of the process.

Readers hold nothing but a place. The ring is bounded: whoever falls out of it goes on from `History`, and neither
holds up the others nor makes this process keep more. The fastest reader sets the pace: nothing is read ahead of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Protocol

import redis
from django.db import DatabaseError

from sessions.models import ENDED, Session
from streaming.db import in_thread
from streaming.ending import end
from streaming.engine.bus import Tail
from streaming.engine.frames import Frame, FrameId

RING_FRAMES, RING_BYTES = 1024, 16 << 20
LOOK_EVERY = 1.0
RETRY_AFTER = 0.5


class SessionUnknown(LookupError):
    """No session has this number."""


class Attached(Protocol):
    """A reader as the registry tells of it."""

    def report(self) -> dict[str, object]: ...


class SharedTail:
    """One per (event loop, session), for as long as somebody reads it."""

    def __init__(self, tail: Tail, session: Session) -> None:
        self.tail, self.session = tail, session
        self.generation = session.generation
        self.head: FrameId | None = None
        self.ring: deque[Frame] = deque()
        self.ring_bytes = 0
        self.readers: set[Attached] = set()
        self.changed, self.wanted = asyncio.Event(), asyncio.Event()
        self.waiting = 0
        self.looked = 0.0
        self.failure: BaseException | None = None

    async def open(self) -> None:
        """Where the stream stands; frames up to there are history."""
        try:
            self.head = await self.tail.last(self.generation)
        except (redis.ConnectionError, redis.TimeoutError):
            self.head = None
        self._admit_loss()
        self.task = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        await end(self.task)

    # --- what readers ask ---------------------------------------------------------------------------

    def since(self, cursor: FrameId | None) -> list[Frame] | None:
        """The frames at hand after the cursor; None when there are older ones that are not."""
        if self.failure:
            raise self.failure
        if not self.ring:
            return [] if self.head is None or (cursor is not None and cursor >= self.head) else None
        before = self.ring[0].prev
        if before is not None and (cursor is None or cursor < before):
            return None
        found: list[Frame] = []
        for frame in reversed(self.ring):
            if cursor is not None and frame.id <= cursor:
                break
            found.append(frame)
        found.reverse()
        return found

    @property
    def oldest(self) -> FrameId | None:
        """What lies before the frames at hand ends with this one."""
        return self.ring[0].prev if self.ring else self.head

    @property
    def last(self) -> FrameId | None:
        """The last frame that the row knows of."""
        row = self.session
        return FrameId.parse(f"{row.generation}.{row.frame_id}") if row.frame_id else None

    def over(self, cursor: FrameId | None) -> bool:
        """Whether the session has ended and the cursor is at its last frame."""
        return self.session.state in ENDED and (self.last is None or (cursor is not None and cursor >= self.last))

    async def news(self, event: asyncio.Event) -> None:
        """Wait for more than what there was when `event` was the current `changed`."""
        if event is self.changed:
            self.waiting += 1
            self.wanted.set()
            try:
                await event.wait()
            except asyncio.CancelledError:
                if event is self.changed:
                    self.waiting -= 1
                raise

    # --- the one task that reads --------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            while True:
                await self._turn()
        except (SessionUnknown, ValueError) as error:
            self.failure = error
            self._tell()

    async def _turn(self) -> None:
        clock = asyncio.get_running_loop().time
        if not self.waiting:
            self.wanted.clear()
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await self.wanted.wait()
            except TimeoutError:
                await self.look()
            return
        frames, noticed = await self._read()
        self._take(frames)
        if noticed or clock() - self.looked > LOOK_EVERY:
            await self.look()
        elif not frames:
            self._admit_loss()

    async def _read(self) -> tuple[list[Frame], bool]:
        try:
            return await self.tail.read(self.generation, self.head)
        except (redis.ConnectionError, redis.TimeoutError):
            await asyncio.sleep(RETRY_AFTER)
            return [], True

    def _take(self, frames: list[Frame]) -> None:
        for frame in frames:
            if self.ring and frame.prev != self.ring[-1].id:
                self._clear()  # a hole: what is before it is history, and has to be made again
            self.ring.append(frame)
            self.ring_bytes += frame.size
        while len(self.ring) > len(frames) and (len(self.ring) > RING_FRAMES or self.ring_bytes > RING_BYTES):
            self.ring_bytes -= self.ring.popleft().size
        if frames:
            self.head = frames[-1].id
            self._tell()

    async def look(self) -> None:
        """The row as it is now; as it was where Postgres does not answer, for then nothing can have changed."""
        self.looked = asyncio.get_running_loop().time()
        before = self.session
        try:
            self.session = await find_session(before.pk)
        except DatabaseError:
            await asyncio.sleep(RETRY_AFTER)
            return
        if self.session.generation != self.generation:
            self.generation, self.head = self.session.generation, None
            self._clear()
        if _seen(before) != _seen(self.session):
            self._tell()

    def _admit_loss(self) -> None:
        """The row knows of frames that the stream, asked after it, did not have: they are history."""
        if self.last and (self.head is None or self.head < self.last):
            self.head = self.last
            self._clear()
            self._tell()

    def _clear(self) -> None:
        self.ring.clear()
        self.ring_bytes = 0

    def _tell(self) -> None:
        told, self.changed, self.waiting = self.changed, asyncio.Event(), 0
        told.set()


def _seen(row: Session) -> tuple[object, ...]:
    return row.state, row.reason, row.generation, row.frame_id if row.state in ENDED else None


async def find_session(session_id: int) -> Session:
    """Raises SessionUnknown."""
    rows = Session.objects.select_related("dataset")
    session = await in_thread(rows.filter(pk=session_id).first)()
    if session is None:
        raise SessionUnknown(f"There is no session {session_id}.")
    return session
