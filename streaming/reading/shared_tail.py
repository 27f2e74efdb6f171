"""A session's newest frames, read and decoded once for all readers of the process.

Readers hold nothing but a place. The ring is bounded: whoever falls out of it goes on from `History`, and neither
holds up the others nor makes this process keep more. The fastest reader sets the pace: nothing is read ahead of it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Protocol

import redis
from django.db import InterfaceError, OperationalError

from sessions.models import ENDED, Session
from sessions.wakeup import BESIDE, LOOK
from streaming.base.cancellation import end
from streaming.base.db import in_thread, is_unreachable
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.frames.stretch import Stretch
from streaming.engine.publishing.bus import BadFrame, Tail

RING_ENTRIES, RING_BYTES = 1024, 16 << 20
LOOK_EVERY = 1.0
RETRY_SECONDS = 0.5
MOST_FAILURES = 8
"""Reads that fail one after another, for whatever reason but an absent server, before readers get the error."""
log = logging.getLogger(__name__)


class SessionUnknown(LookupError):
    """No session has this number."""


class TailFailed(RuntimeError):
    """The session's stream cannot be read; a reader that connects again tries anew."""


class Attached(Protocol):
    """A reader as the registry reports it."""

    def report(self) -> dict[str, object]: ...


class SharedTail:
    """One per (event loop, session), for as long as it has readers."""

    def __init__(self, tail: Tail, session: Session) -> None:
        self.tail, self.session = tail, session
        self.generation = session.run.generation
        self.head: FrameId | None = None
        self.ring: deque[Stretch] = deque()
        self.ring_bytes = 0
        self.readers: set[Attached] = set()
        self.changed, self.demand = asyncio.Event(), asyncio.Event()
        self.waiting = 0
        self.looked = 0.0
        self.failure: BaseException | None = None

    async def open(self) -> None:
        """Where the stream stands; frames up to there are history."""
        try:
            self.head = await self.tail.last(self.generation)
        except redis.RedisError as error:
            log.warning("Session %s: the end of its stream is not known: %s", self.session.pk, error)
            self.head = None
        self._admit_loss()
        self.task = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        await end(self.task)

    # --- what readers ask ---------------------------------------------------------------------------

    def since(self, cursor: FrameId | None) -> list[Stretch] | None:
        """Stretches with the frames after the cursor, the first of them perhaps with earlier ones too.

        None when some of those after it are not held.
        """
        if self.failure:
            raise self.failure
        if not self.ring:
            return [] if self.head is None or (cursor is not None and cursor >= self.head) else None
        before = self.ring[0].prev
        if before is not None and (cursor is None or cursor < before):
            return None
        found: list[Stretch] = []
        for stretch in reversed(self.ring):
            if cursor is not None and stretch.id <= cursor:
                break
            found.append(stretch)
        found.reverse()
        return found

    @property
    def oldest(self) -> FrameId | None:
        """The last frame before those that are held."""
        return self.ring[0].prev if self.ring else self.head

    @property
    def last(self) -> FrameId | None:
        """The last frame that the row knows of."""
        row = self.session
        return FrameId.parse(f"{row.run.generation}.{row.run.frame_id}") if row.run.frame_id else None

    def over(self, cursor: FrameId | None) -> bool:
        """Whether the session has ended and the cursor is at its last frame."""
        return self.session.state in ENDED and (self.last is None or (cursor is not None and cursor >= self.last))

    async def news(self, event: asyncio.Event) -> None:
        """Wait for more than what there was when `event` was the current `changed`."""
        if event is self.changed:
            self.waiting += 1
            self.demand.set()
            try:
                await event.wait()
            except asyncio.CancelledError:
                if event is self.changed:
                    self.waiting -= 1
                raise

    # --- the one task that reads --------------------------------------------------------------------

    async def _run(self) -> None:
        """Until it is canceled: were this task to die of an error, every reader would wait without end."""
        failures = 0
        while self.failure is None:
            try:
                await self._turn()
                failures = 0
            except SessionUnknown as error:
                self._fail(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is logged, tried again, then raised to readers
                failures += 1
                log.warning("Session %s: reading its stream failed: %r", self.session.pk, error)
                if failures >= MOST_FAILURES:
                    self._fail(TailFailed(f"The stream of session {self.session.pk} cannot be read: {error}"))
                await asyncio.sleep(RETRY_SECONDS)

    def _fail(self, error: Exception) -> None:
        """Readers that wait, and those that still come, get the error."""
        self.failure = error
        self._wake()

    async def _turn(self) -> None:
        clock = asyncio.get_running_loop().time
        if not self.waiting:
            self.demand.clear()
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await self.demand.wait()
            except TimeoutError:
                await self.look()
            return
        frames, noticed = await self._read()
        self._take(frames)
        if BESIDE in noticed and not frames:
            self._wake()
        if LOOK in noticed or clock() - self.looked > LOOK_EVERY:
            await self.look()
        elif not frames:
            self._admit_loss()

    async def _read(self) -> tuple[list[Stretch], frozenset[str]]:
        try:
            return await self.tail.read(self.generation, self.head)
        except (redis.ConnectionError, redis.TimeoutError):
            await asyncio.sleep(RETRY_SECONDS)
            return [], frozenset({LOOK})
        except BadFrame as error:
            log.error("%s Readers get it re-derived.", error)
            self._skip_to(error.frame_id)
            return [], frozenset({LOOK})

    def _take(self, stretches: list[Stretch]) -> None:
        for stretch in stretches:
            if self.ring and stretch.prev != self.ring[-1].id:
                self._clear()  # a hole: what is before it is history, and has to be re-derived
            self.ring.append(stretch)
            self.ring_bytes += stretch.size
        while len(self.ring) > len(stretches) and (len(self.ring) > RING_ENTRIES or self.ring_bytes > RING_BYTES):
            self.ring_bytes -= self.ring.popleft().size
        if stretches:
            self.head = stretches[-1].id
            self._wake()

    async def look(self) -> None:
        """The row as it is now; as it was where Postgres does not answer, for then nothing can have changed.

        Raises what else keeps it from being read.
        """
        self.looked = asyncio.get_running_loop().time()
        before = self.session
        try:
            self.session = await find_session(before.pk)
        except (OperationalError, InterfaceError) as error:
            if not is_unreachable(error):
                raise
            await asyncio.sleep(RETRY_SECONDS)
            return
        if self.session.run.generation != self.generation:
            self.generation, self.head = self.session.run.generation, None
            self._clear()
        if _seen(before) != _seen(self.session):
            self._wake()

    def _admit_loss(self) -> None:
        """The row knows of frames that the stream, asked after it, did not have: they are history."""
        if self.last and (self.head is None or self.head < self.last):
            self._skip_to(self.last)

    def _skip_to(self, head: FrameId) -> None:
        """Frames up to there are not held: readers get them from the history."""
        self.head = head
        self._clear()
        self._wake()

    def _clear(self) -> None:
        self.ring.clear()
        self.ring_bytes = 0

    def _wake(self) -> None:
        waited_for, self.changed, self.waiting = self.changed, asyncio.Event(), 0
        waited_for.set()


def _seen(row: Session) -> tuple[object, ...]:
    return row.state, row.reason, row.run.generation, row.run.frame_id if row.state in ENDED else None


async def find_session(session_id: int) -> Session:
    """Raises SessionUnknown."""
    rows = Session.objects.with_run()
    session = await in_thread(rows.filter(pk=session_id).first)()
    if session is None:
        raise SessionUnknown(f"There is no session {session_id}.")
    return session
