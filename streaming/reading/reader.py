"""`follow`: the one way to read a session. Streams, sockets, `tail_session` and `stream_bars` are loops over it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import AsyncExitStack, aclosing
from typing import Any, TypeVar

from streaming.as_of.session_data import position_of
from streaming.base.db import in_thread
from streaming.engine.frames.frame import Frame
from streaming.engine.frames.frame_id import CursorError, FrameId
from streaming.engine.frames.stretch import Stretch
from streaming.engine.publishing.lockstep import Lockstep
from streaming.reading.asides import Aside, Source
from streaming.reading.follower import Follower, Part, Parts
from streaming.reading.hub import Hub, shared_hub
from streaming.reading.items import Item, Notice, Reading, in_parts
from streaming.reading.selection import Selection
from streaming.reading.shared_tail import SessionUnknown
from streaming.reading.stretch_json import Form, Run

__all__ = ["Aside", "CursorError", "Frame", "Item", "Notice", "Reading", "SessionUnknown", "follow", "in_parts", "read"]

AnyItem = TypeVar("AnyItem", Item, Item | Run)
EMPTY_EVERY = 1.0
"""Seconds between two filtered frames without events."""


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


def texts_of(reading: Reading, hub: Hub, form: Form) -> AsyncIterator[Item | Run]:
    """Likewise with the text of many frames where nothing comes between them."""

    def parts(stretch: Stretch, cursor: FrameId | None, between: bool) -> Iterable[Frame | Run]:
        if between:
            return _frames_of(stretch, cursor, between)
        return hub.runs(reading.session_id, stretch.later(cursor), reading.selection, form)

    items = _read(reading, hub, parts)
    return items if reading.lockstep else thinned(reading, items)


async def thinned(reading: Reading, items: AsyncIterator[AnyItem]) -> AsyncIterator[AnyItem]:
    """Without most of the frames that hold nothing selected: one a second of those shows how far the clock is."""
    clock = asyncio.get_running_loop().time
    sent, held = 0.0, None
    async with aclosing(items):  # type: ignore[type-var]
        async for item in items:
            if isinstance(item, Frame) and not reading.selection.touches(item):
                held = item
                if clock() - sent < EMPTY_EVERY:
                    continue
            elif held is not None and not isinstance(item, Frame | Run) and not reading.selection.touches(held):
                yield held
            sent, held = clock(), None
            yield item


def read(reading: Reading, hub: Hub) -> AsyncIterator[Item]:
    """Decoded frames and notices, unfiltered but for snapshots; what all readers are made of."""
    return _read(reading, hub, _frames_of)


def read_stretches(reading: Reading, hub: Hub) -> AsyncIterator[Stretch | Notice | Aside]:
    """Likewise without decoding frames, as the stretches that they went out in."""
    return _read(reading, hub, _whole)


def _frames_of(stretch: Stretch, cursor: FrameId | None, _: bool) -> Iterable[Frame]:
    """The frames after the cursor."""
    return (frame for frame in stretch.frames if cursor is None or frame.id > cursor)


def _whole(stretch: Stretch, cursor: FrameId | None, _: bool) -> Iterable[Stretch]:
    return (stretch.later(cursor),)


async def _read(reading: Reading, hub: Hub, parts: Parts[Part]) -> AsyncIterator[Part | Notice | Aside]:
    async with hub.attach(reading.session_id, reading) as shared, AsyncExitStack() as stack:
        if reading.lockstep:
            place = reading.cursor or (None if reading.from_start else position_of(shared.session))
            await stack.enter_async_context(reading.lockstep.held(hub.redis, place))
            message = f"the replay waits for reader {reading.lockstep.name}, {reading.lockstep.window} frame(s) at most"
            await in_thread(shared.session.record)("lockstep", message)
            await shared.look()  # the snapshot is of now, when nothing runs away any more
        async for item in Follower(reading, hub, shared, parts).items():
            yield item
