"""A bot that the replay waits for: it says `{"action": "ack"}` when it has handled what a frame brought.

A frame that brings nothing to its socket needs no answer. Orders sent before the answer arrive as of that frame, so a
live bot plus one line is a backtest that gives the same result every time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from types import TracebackType
from typing import cast

from sessions import redis_client
from streaming.as_of.newest_frame import newest_frame_of
from streaming.base.cancellation import end
from streaming.base.db import in_thread
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.publishing.lockstep import Lockstep, NeverPublished

_held: set[BotLockstep] = set()


def held_sockets() -> list[BotLockstep]:
    """Those of this process that the replay waits for."""
    return list(_held)


class BotLockstep:
    """`async with BotLockstep(session_id, key_id)`: the replay is at most one frame ahead of its answers.

    Raises NameTaken on entering.
    """

    def __init__(self, session_id: int, key_id: str, is_sent: Callable[[], bool] = lambda: True) -> None:
        """`is_sent`: whether the socket has sent all that it has for its client."""
        self.is_sent, self.newest = is_sent, cast("FrameId | None", None)
        self.step = Lockstep(session_id, key_id, by_hand=True, owner=f"key {key_id}")
        self.client = redis_client.for_event_loop()
        self.owed: FrameId | None = None
        """The newest frame that the client has to answer for."""
        self.done: FrameId | None = None
        self.changed = asyncio.Event()

    async def __aenter__(self) -> BotLockstep:
        self.begins = await in_thread(newest_frame_of)(self.step.session_id)
        self.held = self.step.held(self.client, self.begins)
        try:
            await self.held.__aenter__()
        except BaseException:
            await self.client.aclose()
            raise
        self.acknowledging = asyncio.create_task(self._acknowledge())
        self.loop = asyncio.get_running_loop()
        _held.add(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _held.discard(self)
        await end(self.acknowledging)
        await self.held.__aexit__()
        await self.client.aclose()

    def delivered(self, frame_id: FrameId, *, something: bool) -> None:
        """A frame has gone out to the socket; one that held nothing for it is done with once those before are."""
        self.newest = frame_id
        if self.begins and frame_id <= self.begins:
            return
        if something:
            self.owed = self.step.sent = frame_id
        elif self.owed is None:
            self._is_done(frame_id)
        else:
            self.owed = self.step.sent = frame_id

    def handled(self) -> None:
        """The client has handled all that it was sent."""
        if self.owed is not None:
            self._is_done(self.owed)
            self.owed = None

    def lags(self, frame: FrameId) -> bool:
        """Whether the client has not been sent all up to a frame."""
        newest = self.newest or self.begins
        return newest is None or newest < frame or not self.is_sent()

    def handled_for_client(self) -> None:
        """By another thread, which knows that its client has handled all that it was sent."""
        self.loop.call_soon_threadsafe(self.handled)

    def _is_done(self, frame_id: FrameId) -> None:
        self.done = frame_id
        self.changed.set()

    async def _acknowledge(self) -> None:
        while True:
            await self.changed.wait()
            self.changed.clear()
            assert self.done is not None
            self.step.sent = self.owed or self.done
            with contextlib.suppress(NeverPublished):
                await self.step.acknowledge(self.done)
