"""A bot that the replay waits for: it says `{"action": "ack"}` when it has handled what a frame brought.

A frame that brings nothing to its socket needs no answer. Orders sent before the answer arrive as of that frame, so a
live bot plus one line is a backtest that gives the same result every time.
"""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType

import redis

from sessions import redis_client
from sessions.models import Session
from streaming.as_of.newest_frame import newest_frame
from streaming.base.cancellation import end
from streaming.base.db import in_thread
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.publishing.lockstep import Lockstep, NameTaken, NeverPublished


class BotLockstep:
    """`async with BotLockstep(session_id, key_id)`: the replay is at most one frame ahead of its answers.

    Raises NameTaken on entering.
    """

    def __init__(self, session_id: int, key_id: str) -> None:
        self.step = Lockstep(session_id, key_id, by_hand=True, owner=f"key {key_id}")
        self.client = redis_client.for_event_loop()
        self.owed: FrameId | None = None
        """The newest frame that the client has to answer for."""
        self.done: FrameId | None = None
        self.changed = asyncio.Event()

    async def __aenter__(self) -> BotLockstep:
        session = await in_thread(Session.objects.with_run().get)(pk=self.step.session_id)
        self.begins = await in_thread(newest_frame)(session)
        self.held = self.step.held(self.client, self.begins)
        try:
            await self.held.__aenter__()
        except NameTaken:
            await self.client.aclose()
            raise
        self.acknowledging = asyncio.create_task(self._acknowledge())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await end(self.acknowledging)
        await self.held.__aexit__()
        await self.client.aclose()

    def delivered(self, frame_id: FrameId, *, something: bool) -> None:
        """A frame has gone out to the socket; one that held nothing for it is done with once those before are."""
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

    def _is_done(self, frame_id: FrameId) -> None:
        self.done = frame_id
        self.changed.set()

    async def _acknowledge(self) -> None:
        while True:
            await self.changed.wait()
            self.changed.clear()
            assert self.done is not None
            self.step.sent = self.owed or self.done
            with contextlib.suppress(redis.RedisError, NeverPublished):
                await self.step.acknowledge(self.done)
