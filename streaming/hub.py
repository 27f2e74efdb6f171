"""What the readers of one process share: a tail per session, the history's frames, and the JSON made of both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import orjson
import redis.asyncio
from django.conf import settings

from marketdata import calendar
from streaming import readers
from streaming.bus import Tail
from streaming.db import in_thread, waited_for
from streaming.frames import Frame, FrameId
from streaming.history import Frames, History, frames_shelf
from streaming.session_data import position_of
from streaming.shared_tail import Attached, SharedTail, find_session
from streaming.shelf import Shelf
from streaming.snapshot import snapshot
from streaming.wanted import Wanted

HISTORY_BYTES, RENDERED_BYTES, SNAPSHOT_BYTES = 64 << 20, 64 << 20, 32 << 20


@dataclass(frozen=True)
class Rendered:
    """A frame or notice as the doors send it, made once per (frame, filter)."""

    id: str | None
    json: bytes

    @cached_property
    def text(self) -> str:
        return self.json.decode()

    @cached_property
    def event(self) -> bytes:
        """As a server-sent event; only durable frames carry an id."""
        head = b"id: " + self.id.encode() + b"\n" if self.id else b""
        return b"".join((head, b"data: ", self.json, b"\n\n"))

    @property
    def size(self) -> int:
        return 3 * len(self.json) + 300


@dataclass
class Hub:
    """One per event loop, for as long as somebody reads."""

    redis: redis.asyncio.Redis
    tails: dict[int, SharedTail] = field(default_factory=dict)
    opening: dict[int, asyncio.Lock] = field(default_factory=dict)
    frames: Shelf[Frames] = field(default_factory=lambda: frames_shelf(HISTORY_BYTES))
    snapshots: Shelf[dict[str, Any]] = field(
        default_factory=lambda: Shelf(SNAPSHOT_BYTES, lambda event: 300 + 1000 * len(event["bars"]))
    )
    rendered: Shelf[Rendered] = field(default_factory=lambda: Shelf(RENDERED_BYTES, lambda made: made.size))
    users: int = 0

    def __post_init__(self) -> None:
        self.registry = readers.Registry(self.redis, self.tails)

    @asynccontextmanager
    async def attach(self, session_id: int, reader: Attached) -> AsyncIterator[SharedTail]:
        """The session's tail, for as long as the reader needs it. Raises SessionUnknown."""
        async with self.opening.setdefault(session_id, asyncio.Lock()):
            shared = self.tails.get(session_id)
            if shared is None:
                await in_thread(calendar.prepare)()
                shared = SharedTail(Tail(self.redis, session_id), await find_session(session_id))
                await shared.open()
                self.tails[session_id] = shared
            shared.readers.add(reader)
        self.registry.changed.set()
        try:
            yield shared
        finally:
            shared.readers.discard(reader)
            self.registry.changed.set()
            if not shared.readers and self.tails.get(session_id) is shared:
                del self.tails[session_id]
                await shared.aclose()

    def history(self, shared: SharedTail) -> History:
        return History(shared.tail, self.frames)

    async def snapshot(self, shared: SharedTail, wanted: Wanted, as_of: FrameId | None = None) -> dict[str, Any]:
        """The day so far, made once for all who join at the same frame and want the same."""
        session = shared.session
        at = as_of or position_of(session)
        key = (session.pk, at, session.applied_version, wanted)
        return await self.snapshots.get(key, lambda: waited_for(lambda: snapshot(session, wanted, at)), lambda _: True)

    def render(self, session_id: int, frame: Frame, wanted: Wanted) -> Rendered:
        key = (session_id, frame.id, wanted)
        found = self.rendered.find(key)
        if found is None:
            found = Rendered(str(frame.id), orjson.dumps(wanted.wire(frame)))
            self.rendered.keep(key, found)
        return found

    async def aclose(self) -> None:
        await self.registry.aclose()
        await self.frames.aclose()
        await self.snapshots.aclose()
        await self.redis.aclose()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


@asynccontextmanager
async def shared_hub() -> AsyncIterator[Hub]:
    """This event loop's hub; the last reader to leave closes it."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub(redis.asyncio.Redis.from_url(settings.REDIS_URL))
    hub.users += 1
    try:
        yield hub
    finally:
        hub.users -= 1
        if not hub.users:
            _hubs.pop(loop, None)
            await hub.aclose()
