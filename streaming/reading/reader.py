"""`follow`: the one way to read a session. Every door, `tail_session` and `stream_bars` are loops over it."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import Any

from marketdata import calendar
from sessions.models import ENDED, Session
from streaming.db import in_thread
from streaming.engine.frames import CursorError, Frame, FrameId, milliseconds, rfc3339
from streaming.engine.lockstep import Lockstep
from streaming.reading.hub import Hub, shared_hub
from streaming.reading.shared_tail import SessionUnknown, SharedTail
from streaming.reading.wanted import Wanted
from streaming.visible.session_data import position_of

__all__ = ["CursorError", "Frame", "Notice", "Reading", "SessionUnknown", "follow", "read"]

EMPTY_EVERY = 1.0
"""Seconds between two filtered frames without events."""
SNAPSHOT_BARS = 2000
"""Bars in one snapshot message; a larger snapshot comes in parts."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that is not market data: no id, outside the hash chain, not repeated on reconnect."""

    event: dict[str, Any]

    def wire(self) -> dict[str, Any]:
        return {"id": None, "clock": self.event.get("clock"), "hash": None, "events": [self.event]}


@dataclass(eq=False)
class Reading:
    """What one reader asks for, and how it is called where readers are shown.

    `wanted` may be exchanged while reading. Without a cursor (`after`) it begins with a `snapshot` of the day
    so far; with `from_start` at the first frame of the run; with `from_now` at the next frame, without a snapshot.
    """

    session_id: int
    after: str | None = None
    from_start: bool = False
    from_now: bool = False
    wanted: Wanted = field(default_factory=Wanted.of)
    kind: str = "python"
    name: str = ""
    lockstep: Lockstep | None = None

    def __post_init__(self) -> None:
        self.cursor = FrameId.parse(self.after) if self.after else None
        self.key, self.since = secrets.token_hex(4), dt.datetime.now(dt.UTC)

    def report(self) -> dict[str, object]:
        """For the registry of readers."""
        cursor = str(self.cursor) if self.cursor else None
        since = rfc3339(milliseconds(self.since))
        return {
            "id": self.key,
            "kind": self.kind,
            "name": self.name,
            "since": since,
            "cursor": cursor,
            "lockstep": self.lockstep is not None,
        }


async def follow(
    session_id: int,
    *,
    after: str | None = None,
    from_start: bool = False,
    symbols: Collection[str] | None = None,
    intervals: Collection[str] | None = None,
    types: Collection[str] | None = None,
    kind: str = "python",
    name: str = "",
    lockstep: str = "",
    window: int = 1,
) -> AsyncIterator[dict[str, Any]]:
    """Frames in wire form, every one after the cursor exactly once and in order, until the session's `end`.

    Without a cursor: a `snapshot` of the day so far, then the tail; `from_start`: every frame of the run.
    `types`: which of bars, ticks and quotes; intervals alone ask for bars alone.
    A filtered frame without events comes at most once a second. With `lockstep`, a name, the replay waits for this
    reader: asking for the next frame acknowledges the one before, and no more than `window` are out unacknowledged.
    Raises SessionUnknown, and CursorError for a malformed cursor.
    """
    step = Lockstep(session_id, lockstep, window) if lockstep else None
    wanted = Wanted.of(symbols, intervals, types)
    reading = Reading(session_id, after, from_start, wanted=wanted, kind=kind, name=name or lockstep, lockstep=step)
    async with shared_hub() as hub, aclosing(items_of(reading, hub)) as items:  # type: ignore[type-var]
        async for item in items:
            yield reading.wanted.wire(item) if isinstance(item, Frame) else item.wire()


def items_of(reading: Reading, hub: Hub) -> AsyncIterator[Frame | Notice]:
    """What a door sends on, in order. A lockstep reader acknowledges frames: it gets every one."""
    return read(reading, hub) if reading.lockstep else thinned(reading, read(reading, hub))


async def thinned(reading: Reading, items: AsyncIterator[Frame | Notice]) -> AsyncIterator[Frame | Notice]:
    """Without most of the frames that hold nothing wanted: one a second of those tells how far the clock is."""
    clock = asyncio.get_running_loop().time
    sent, held = 0.0, None
    async with aclosing(items):  # type: ignore[type-var]
        async for item in items:
            if isinstance(item, Frame) and not reading.wanted.touches(item):
                held = item
                if clock() - sent < EMPTY_EVERY:
                    continue
            elif held is not None and isinstance(item, Notice) and not reading.wanted.touches(held):
                yield held
            sent, held = clock(), None
            yield item


async def read(reading: Reading, hub: Hub) -> AsyncIterator[Frame | Notice]:
    """Decoded frames and notices, unfiltered but for snapshots; what all readers are made of."""
    async with hub.attach(reading.session_id, reading) as shared, AsyncExitStack() as stack:
        if reading.lockstep:
            place = reading.cursor or (None if reading.from_start else position_of(shared.session))
            await stack.enter_async_context(reading.lockstep.held(hub.redis, place))
            told = f"the replay waits for reader {reading.lockstep.name}, {reading.lockstep.window} frame(s) at most"
            await in_thread(shared.session.record)("lockstep", told)
            await shared.look()  # the snapshot is of now, when nothing runs away any more
        async for item in Follower(reading, hub, shared).items():
            yield item


class Follower:
    """One reader's place in a session."""

    def __init__(self, reading: Reading, hub: Hub, shared: SharedTail) -> None:
        self.reading, self.hub, self.shared = reading, hub, shared
        self.history = hub.history(shared)
        self.generation = shared.generation
        self.state = ""
        self.live = False

    async def items(self) -> AsyncIterator[Frame | Notice]:
        async for notice in self._join():
            yield notice
        while True:
            news = self.shared.changed
            if self.shared.generation != self.generation:
                async for notice in self._reset(f"moved to generation {self.shared.generation}"):
                    yield notice
            for notice in self._told(ended=False):
                yield notice
            frames = self.shared.since(self.reading.cursor)
            if frames is None:
                for notice in self._lagging():
                    yield notice
                frames = await self._past()
            for frame in frames:
                if self.shared.generation != self.generation:
                    break
                self.reading.cursor = frame.id
                yield frame
                for notice in await self._acknowledged():
                    yield notice
            if not frames and self.shared.over(self.reading.cursor):
                for notice in self._told(ended=True):
                    yield notice
                return
            if not frames:
                self.live = True
                await self.shared.news(news)

    # --- joining ------------------------------------------------------------------------------------

    async def _join(self) -> AsyncIterator[Notice]:
        reading = self.reading
        if reading.cursor and (reason := _out_of_place(reading.cursor, self.shared.session)):
            async for notice in self._reset(reason):
                yield notice
        elif reading.from_now and not reading.cursor:
            reading.cursor = position_of(self.shared.session)
        elif not reading.from_start and not reading.cursor:
            async for notice in self._snapshot():
                yield notice

    async def _reset(self, reason: str) -> AsyncIterator[Notice]:
        """What the reader has is not what the session plays: it begins anew, with the day so far."""
        self.generation, self.reading.cursor, self.live = self.shared.generation, None, False
        yield Notice({"type": "reset", "reason": reason})
        async for notice in self._snapshot():
            yield notice

    async def _snapshot(self) -> AsyncIterator[Notice]:
        event = await self.hub.snapshot(self.shared, self.reading.wanted)
        if event["as_of"]:
            self.reading.cursor = FrameId.parse(event["as_of"])
        for notice in in_parts(event):
            yield notice
        for notice in await self._acknowledged():
            yield notice

    # --- lockstep -----------------------------------------------------------------------------------

    async def _acknowledged(self) -> list[Notice]:
        """Whoever asks for more is done with what it had; where the replay has let it go, it is told once."""
        step, cursor = self.reading.lockstep, self.reading.cursor
        if step is None or cursor is None:
            return []
        step.sent = cursor
        if step.by_hand or await step.acknowledge(cursor):
            return []
        self.reading.lockstep = None
        reason = f"lockstep reader {step.name} was silent for too long: the replay does not wait for it any more"
        return [Notice({"type": "lagging", "clock": rfc3339(cursor.ms), "reason": reason})]

    # --- the past -----------------------------------------------------------------------------------

    async def _past(self) -> list[Frame]:
        """Frames from before those at hand. Where none can be had any more, the place moves on to those."""
        until = self.shared.oldest
        if until is None or until.generation != self.generation:
            return []
        frames = await self.history.after(self.shared.session, self.reading.cursor, until)
        if not frames:
            self.reading.cursor = until
        return frames

    def _lagging(self) -> list[Notice]:
        """Say once that a reader who was up to date has fallen behind what is kept at hand."""
        if not self.live:
            return []
        self.live = False
        cursor, head = self.reading.cursor, self.shared.head
        clock = rfc3339(cursor.ms) if cursor else None
        behind = max(0, head.ms - cursor.ms) // 1000 if cursor and head else None
        return [Notice({"type": "lagging", "clock": clock, "seconds": behind, "head": str(head) if head else None})]

    # --- the row ------------------------------------------------------------------------------------

    def _told(self, *, ended: bool) -> list[Notice]:
        """The state, once for each; `end` after the last frame."""
        row = self.shared.session
        if row.state == self.state or (row.state in ENDED) != ended:
            return []
        self.state = row.state
        clock = rfc3339(self.reading.cursor.ms) if self.reading.cursor else None
        told = {"state": row.state, "reason": row.reason, "clock": clock}
        kinds = ("state", "end") if ended else ("state",)
        return [Notice({"type": kind, **told}) for kind in kinds]


def in_parts(event: dict[str, Any]) -> list[Notice]:
    """A snapshot as messages of bounded size."""
    bars = event["bars"]
    starts = range(0, max(1, len(bars)), SNAPSHOT_BARS)
    return [
        Notice({**event, "part": part, "parts": len(starts), "bars": bars[start : start + SNAPSHOT_BARS]})
        for part, start in enumerate(starts, 1)
    ]


def _out_of_place(cursor: FrameId, session: Session) -> str:
    """Why a cursor is none of this session as it is; empty where it is one."""
    if cursor.generation != session.generation:
        return f"cursor of generation {cursor.generation}, the session is at {session.generation}"
    days = calendar.trading_days(session.start_date, session.end_date)
    if not milliseconds(days[0].open) <= cursor.ms <= milliseconds(days[-1].close):
        return f"cursor {cursor} is outside the session: it plays {days[0].date} to {days[-1].date}"
    return ""
