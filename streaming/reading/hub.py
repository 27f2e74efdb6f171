"""What the readers of one process share: a tail per session, the history's frames, and the JSON made of both."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import redis.asyncio

from marketdata import calendar
from sessions import redis_client
from streaming.as_of.session_data import position_of
from streaming.base.db import in_thread, waited_for
from streaming.engine.frames.frame import Frame
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.frames.stretch import Stretch
from streaming.engine.publishing.bus import MOST_CONNECTIONS, Tail
from streaming.reading import registry as readers
from streaming.reading.bounded_cache import ByteBoundedCache
from streaming.reading.past_frames import Frames, History, frames_cache
from streaming.reading.selection import Selection
from streaming.reading.shared_tail import Attached, SharedTail, find_session
from streaming.reading.snapshot import snapshot
from streaming.reading.stretch_json import EVENTS, FEW_BYTES, Form, Run, runs

HISTORY_BYTES, RENDERED_BYTES, SNAPSHOT_BYTES = 64 << 20, 32 << 20, 32 << 20
TEXT_TIMES = 8
"""As many bytes as a stretch has its text, as it is sent and cut into lines."""


@dataclass(frozen=True)
class Rendered:
    """A frame or notice as streams send it, made once per (frame, filter)."""

    id: str | None
    json: bytes

    @cached_property
    def text(self) -> str:
        return self.json.decode()

    @cached_property
    def event(self) -> bytes:
        """The frame as a server-sent event; only durable ones carry an id."""
        head = EVENTS.before % self.id.encode() if self.id else b"data: "
        return b"".join((head, self.json, EVENTS.behind))

    @property
    def size(self) -> int:
        return 3 * len(self.json) + 300


class SharedRuns:
    """Made one after another as the first reader comes to them, and kept for the others."""

    def __init__(self, made: Iterator[Run | Frame], size: int) -> None:
        self.made, self.done, self.size = made, list[Run | Frame](), size
        self.failure: Exception | None = None

    def __iter__(self) -> Iterator[Run | Frame]:
        place = 0
        while place < len(self.done) or self._has_more():
            yield self.done[place]
            place += 1

    def _has_more(self) -> bool:
        """Every reader gets what keeps it from being made: an iterator that failed would look like one that ended."""
        if self.failure:
            raise self.failure
        try:
            run = next(self.made, None)
        except Exception as error:
            self.failure = error
            raise
        if run is not None:
            self.done.append(run)
        return run is not None


@dataclass
class Hub:
    """One per event loop, for as long as it has readers."""

    redis: redis.asyncio.Redis
    tails: dict[int, SharedTail] = field(default_factory=dict)
    opening: dict[int, asyncio.Lock] = field(default_factory=dict)
    frames: ByteBoundedCache[Frames] = field(default_factory=lambda: frames_cache(HISTORY_BYTES))
    snapshots: ByteBoundedCache[dict[str, Any]] = field(
        default_factory=lambda: ByteBoundedCache(SNAPSHOT_BYTES, lambda event: 300 + 1000 * len(event["bars"]))
    )
    rendered: ByteBoundedCache[Rendered] = field(
        default_factory=lambda: ByteBoundedCache(RENDERED_BYTES, lambda made: made.size)
    )
    texts: ByteBoundedCache[SharedRuns] = field(
        default_factory=lambda: ByteBoundedCache(RENDERED_BYTES, lambda made: made.size)
    )
    users: int = 0

    def __post_init__(self) -> None:
        self.registry = readers.Registry(self.redis, self.tails)

    def attach(self, session_id: int, reader: Attached) -> Attachment:
        """The session's tail, for as long as the reader needs it. Raises SessionUnknown on entering."""
        return Attachment(self, session_id, reader)

    def history(self, shared: SharedTail) -> History:
        return History(shared.tail, self.frames)

    async def snapshot(self, shared: SharedTail, selection: Selection, as_of: FrameId | None = None) -> dict[str, Any]:
        """The day so far, made once for all who join at the same frame with the same selection."""
        session = shared.session
        at = as_of or position_of(session)
        key = (session.pk, at, session.run.applied_version, selection)
        return await self.snapshots.get(
            key, lambda: waited_for(lambda: snapshot(session, selection, at)), lambda _: True
        )

    def render(self, session_id: int, frame: Frame, selection: Selection) -> Rendered:
        key = (session_id, frame.id, selection)
        found = self.rendered.find(key)
        if found is None:
            found = Rendered(str(frame.id), selection.json(frame))
            self.rendered.keep(key, found)
        return found

    def runs(self, session_id: int, stretch: Stretch, selection: Selection, form: Form) -> Iterable[Run | Frame]:
        """The stretch as text, made once for all who want the same."""
        if len(stretch.body) <= FEW_BYTES:
            return stretch.frames
        key = (session_id, stretch.first, stretch.id, selection, form)
        found = self.texts.find(key)
        if found is None:
            found = SharedRuns(runs(stretch, selection, form), TEXT_TIMES * stretch.size)
            self.texts.keep(key, found)
        return found

    async def aclose(self) -> None:
        try:
            await self.registry.aclose()
            await self.frames.aclose()
            await self.snapshots.aclose()
        finally:  # also where the event loop is ending and does not wait for us
            await self.redis.aclose()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


# Classes, not generators: of a reader that simply stops, asyncio closes all generators at once, the inner ones too,
# and one that is being closed twice says so on the terminal.


@dataclass
class Attachment:
    """A reader's hold on the tail of a session."""

    hub: Hub
    session_id: int
    reader: Attached

    async def __aenter__(self) -> SharedTail:
        hub, session_id = self.hub, self.session_id
        async with hub.opening.setdefault(session_id, asyncio.Lock()):
            shared = hub.tails.get(session_id)
            if shared is None or shared.failure:
                await in_thread(calendar.prepare)()
                shared = SharedTail(Tail(hub.redis, session_id), await find_session(session_id))
                await shared.open()
                hub.tails[session_id] = shared
            shared.readers.add(self.reader)
        hub.registry.changed.set()
        self.shared = shared
        return shared

    async def __aexit__(self, *_: object) -> None:
        hub, shared = self.hub, self.shared
        shared.readers.discard(self.reader)
        hub.registry.changed.set()
        if not shared.readers and hub.tails.get(self.session_id) is shared:
            del hub.tails[self.session_id]
            await shared.aclose()


class HubHold:
    """A reader's hold on this event loop's hub; the last one to leave closes it."""

    async def __aenter__(self) -> Hub:
        self.loop = asyncio.get_running_loop()
        hub = _hubs.get(self.loop)
        if hub is None:
            client = redis_client.for_event_loop(max_connections=MOST_CONNECTIONS)
            hub = _hubs[self.loop] = Hub(client)
        hub.users += 1
        self.hub = hub
        return hub

    async def __aexit__(self, *_: object) -> None:
        self.hub.users -= 1
        if not self.hub.users:
            _hubs.pop(self.loop, None)
            await self.hub.aclose()


def shared_hub() -> HubHold:
    return HubHold()
