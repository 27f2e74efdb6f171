"""`follow`: the one way to read a session. Streams, sockets, `tail_session` and `stream_bars` are loops over it."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sessions.models import ENDED, Session
from streaming.as_of.newest_frame import beginning_ms
from streaming.as_of.session_data import position_of
from streaming.db import in_thread
from streaming.engine.frames import CursorError, Frame, FrameId, milliseconds, rfc3339
from streaming.engine.lockstep import Lockstep
from streaming.engine.stretch import Stretch
from streaming.reading.asides import Alongside, Aside, Source
from streaming.reading.hub import Hub, shared_hub
from streaming.reading.selection import Selection
from streaming.reading.shared_tail import SessionUnknown, SharedTail

__all__ = ["Aside", "CursorError", "Frame", "Item", "Notice", "Reading", "SessionUnknown", "follow", "read"]

Part = TypeVar("Part", Frame, Stretch)
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


Item = Frame | Notice | Aside


@dataclass(eq=False)
class Reading:
    """What one reader asks for, and how it is called where readers are shown.

    `selection` may be exchanged while reading. Without a cursor (`after`) it begins with a `snapshot` of the day
    so far; with `from_start` at the first frame of the run; with `from_now` at the next frame, without a snapshot.
    """

    session_id: int
    after: str | None = None
    from_start: bool = False
    from_now: bool = False
    selection: Selection = field(default_factory=Selection.of)
    kind: str = "python"
    name: str = ""
    lockstep: Lockstep | None = None
    asides: Source | None = None

    def __post_init__(self) -> None:
        self.place = FrameId.parse(self.after) if self.after else None
        self.cursor = self.place._replace(n=0) if self.place else None  # a frame's; asides come behind it
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
    asides: Source | None = None,
) -> AsyncIterator[dict[str, Any]]:
    """Frames in wire form, every one after the cursor exactly once and in order, until the session's `end`.

    Without a cursor: a `snapshot` of the day so far, then the tail; `from_start`: every frame of the run.
    `types`: which of bars, ticks and quotes; intervals alone ask for bars alone.
    A filtered frame without events comes at most once a second. With `lockstep`, a name, the replay waits for this
    reader: asking for the next frame acknowledges the one before, and no more than `window` are out unacknowledged.
    `asides`: what else is followed, e.g. the events of accounts (`broker.following`).
    Raises SessionUnknown, and CursorError for a malformed cursor.
    """
    step = Lockstep(session_id, lockstep, window) if lockstep else None
    selection = Selection.of(symbols, intervals, types)
    reading = Reading(session_id, after, from_start, selection=selection, lockstep=step, asides=asides)
    reading.kind, reading.name = kind, name or lockstep
    async with shared_hub() as hub, aclosing(items_of(reading, hub)) as items:  # type: ignore[type-var]
        async for item in items:
            yield reading.selection.wire(item) if isinstance(item, Frame) else item.wire()


def items_of(reading: Reading, hub: Hub) -> AsyncIterator[Item]:
    """What a stream sends on, in order. A lockstep reader acknowledges frames: it gets every one."""
    return read(reading, hub) if reading.lockstep else thinned(reading, read(reading, hub))


async def thinned(reading: Reading, items: AsyncIterator[Item]) -> AsyncIterator[Item]:
    """Without most of the frames that hold nothing selected: one a second of those shows how far the clock is."""
    clock = asyncio.get_running_loop().time
    sent, held = 0.0, None
    async with aclosing(items):  # type: ignore[type-var]
        async for item in items:
            if isinstance(item, Frame) and not reading.selection.touches(item):
                held = item
                if clock() - sent < EMPTY_EVERY:
                    continue
            elif held is not None and not isinstance(item, Frame) and not reading.selection.touches(held):
                yield held
            sent, held = clock(), None
            yield item


def read(reading: Reading, hub: Hub) -> AsyncIterator[Item]:
    """Decoded frames and notices, unfiltered but for snapshots; what all readers are made of."""
    return _read(reading, hub, _frames_of)


def read_stretches(reading: Reading, hub: Hub) -> AsyncIterator[Stretch | Notice | Aside]:
    """Likewise without decoding frames, as the stretches that they went out in."""
    return _read(reading, hub, _whole)


def _frames_of(stretch: Stretch, cursor: FrameId | None) -> Iterable[Frame]:
    """The frames after the cursor."""
    return (frame for frame in stretch.frames if cursor is None or frame.id > cursor)


def _whole(stretch: Stretch, cursor: FrameId | None) -> Iterable[Stretch]:
    return (stretch.later(cursor),)


async def _read(
    reading: Reading, hub: Hub, parts: Callable[[Stretch, FrameId | None], Iterable[Part]]
) -> AsyncIterator[Part | Notice | Aside]:
    async with hub.attach(reading.session_id, reading) as shared, AsyncExitStack() as stack:
        if reading.lockstep:
            place = reading.cursor or (None if reading.from_start else position_of(shared.session))
            await stack.enter_async_context(reading.lockstep.held(hub.redis, place))
            message = f"the replay waits for reader {reading.lockstep.name}, {reading.lockstep.window} frame(s) at most"
            await in_thread(shared.session.record)("lockstep", message)
            await shared.look()  # the snapshot is of now, when nothing runs away any more
        async for item in Follower(reading, hub, shared, parts).items():
            yield item


class Follower(Generic[Part]):
    """One reader's place in a session; `parts`: what it gets of a stretch, after its cursor."""

    def __init__(
        self,
        reading: Reading,
        hub: Hub,
        shared: SharedTail,
        parts: Callable[[Stretch, FrameId | None], Iterable[Part]],
    ) -> None:
        self.reading, self.hub, self.shared = reading, hub, shared
        self.parts: Callable[[Stretch, FrameId | None], Iterable[Part]] = parts
        self.history = hub.history(shared)
        self.generation = shared.generation
        self.state = ""
        self.live = False
        self.lost: list[Notice] = []
        self.asides = Alongside(reading.asides, reading.place or FrameId(self.generation, 0, 0))

    async def items(self) -> AsyncIterator[Part | Notice | Aside]:
        async for item in self._join():
            yield item
        while True:
            news = self.shared.changed
            if self.shared.generation != self.generation:
                async for item in self._reset(f"moved to generation {self.shared.generation}"):
                    yield item
            for notice in self._state(ended=False):
                yield notice
            frames = self.shared.since(self.reading.cursor)
            if frames is None:
                for notice in self._lagging():
                    yield notice
                frames = await self._past()
                while self.lost:
                    yield self.lost.pop()
            over = not frames and self.shared.over(self.reading.cursor)
            await self.asides.learn(frames[-1].id.ms if frames else self._clock_ms)
            for aside in self.asides.reached(self._clock_ms):
                yield aside
            for part in self._parts(frames):
                self.reading.cursor = part.id
                yield part
                for aside in self.asides.reached(part.id.ms):
                    yield aside
                if self.reading.lockstep:
                    for notice in await self._acknowledged():
                        yield notice
            if over:
                for notice in self._state(ended=True):
                    yield notice
                return
            if not frames:
                self.live = True
                await self.shared.news(news)

    @property
    def _clock_ms(self) -> int:
        """What the reader has come to: a frame, or the beginning."""
        return self.reading.cursor.ms if self.reading.cursor else beginning_ms(self.shared.session)

    def _parts(self, stretches: list[Stretch]) -> Iterator[Part]:
        """What is after the cursor, as long as the session plays the generation that it is of."""
        for stretch in stretches:
            for part in self.parts(stretch, self.reading.cursor):
                if self.shared.generation != self.generation:
                    return
                yield part

    # --- joining ------------------------------------------------------------------------------------

    async def _join(self) -> AsyncIterator[Notice | Aside]:
        reading = self.reading
        if reading.cursor and (reason := _out_of_place(reading.cursor, self.shared.session)):
            async for item in self._reset(reason):
                yield item
        elif reading.from_now and not reading.cursor:
            reading.cursor = position_of(self.shared.session)
            await self.asides.move(reading.cursor, behind=True)
        elif not reading.from_start and not reading.cursor:
            async for item in self._snapshot():
                yield item

    async def _reset(self, reason: str) -> AsyncIterator[Notice | Aside]:
        """What the reader has is not what the session plays: it begins anew, with the day so far."""
        self.generation, self.reading.cursor, self.live = self.shared.generation, None, False
        yield Notice({"type": "reset", "reason": reason})
        async for item in self._snapshot(anew=True):
            yield item

    async def _snapshot(self, *, anew: bool = False) -> AsyncIterator[Notice | Aside]:
        """`anew`: with the generation's asides so far."""
        event = await self.hub.snapshot(self.shared, self.reading.selection)
        if event["as_of"]:
            self.reading.cursor = FrameId.parse(event["as_of"])
        await self.asides.move(FrameId(self.generation, 0, 0) if anew else self.reading.cursor, behind=not anew)
        await self.asides.learn(self._clock_ms)
        for aside in self.asides.reached(self._clock_ms):
            yield aside
        for notice in in_parts(event):
            yield notice
        for notice in await self._acknowledged():
            yield notice

    # --- lockstep -----------------------------------------------------------------------------------

    async def _acknowledged(self) -> list[Notice]:
        """Asking for the next frame acknowledges the one before; a reader that was released gets one notice of it."""
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

    async def _past(self) -> list[Stretch]:
        """Frames from before those that the tail holds."""
        until = self.shared.oldest
        if until is None or until.generation != self.generation:
            return []
        frames = await self.history.after(self.shared.session, self.reading.cursor, until)
        if not frames:
            # They can be neither read nor re-derived: the place moves on behind them, and the reader is notified.
            reason = f"the frames after {self.reading.cursor or 'the start'} up to {until} are lost"
            self.lost.append(Notice({"type": "lagging", "clock": rfc3339(until.ms), "reason": reason}))
            self.reading.cursor = until
        return frames

    def _lagging(self) -> list[Notice]:
        """Say once that a reader who was up to date has fallen behind what the tail holds."""
        if not self.live:
            return []
        self.live = False
        cursor, head = self.reading.cursor, self.shared.head
        clock = rfc3339(cursor.ms) if cursor else None
        behind = max(0, head.ms - cursor.ms) // 1000 if cursor and head else None
        return [Notice({"type": "lagging", "clock": clock, "seconds": behind, "head": str(head) if head else None})]

    # --- the row ------------------------------------------------------------------------------------

    def _state(self, *, ended: bool) -> list[Notice]:
        """The state, once for each; `end` after the last frame."""
        row = self.shared.session
        if row.state == self.state or (row.state in ENDED) != ended:
            return []
        self.state = row.state
        clock = rfc3339(self.reading.cursor.ms) if self.reading.cursor else None
        fields = {"state": row.state, "reason": row.reason, "clock": clock}
        kinds = ("state", "end") if ended else ("state",)
        return [Notice({"type": kind, **fields}) for kind in kinds]


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
    if cursor.generation != session.run.generation:
        return f"cursor of generation {cursor.generation}, the session is at {session.run.generation}"
    days = session.calendar.trading_days(session.start_date, session.end_date)
    if not milliseconds(days[0].begin) <= cursor.ms <= milliseconds(days[-1].end):
        return f"cursor {cursor} is outside the session: it plays {days[0].date} to {days[-1].date}"
    return ""
