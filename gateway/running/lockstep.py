"""`run_bot --lockstep`: no frame goes out before the bot waits for it.

It waits when none of it is at work (`bot_at_work.py`), it has had all that was sent to it, and its first sleep ends
later than the clock comes without another frame. The run is a lockstep reader of its own; frames that the bot's data
sockets were sent are acknowledged for it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

from gateway.running.bot_at_work import BotAtWork, Rest
from gateway.running.market_time import MarketTime
from gateway.running.watched import Watched
from gateway.sockets.bot_lockstep import held_sockets
from marketdata.units import MILLISECOND_NS
from sessions import redis_client
from streaming.as_of.newest_frame import newest_frame_of
from streaming.base.db import in_thread
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.publishing.lockstep import Lockstep

LOOK_EVERY_SECONDS = 0.001
ANSWERED_WITHIN_NS = 1_000_000_000
STANDS_AFTER_SECONDS = 10.0
STANDS = "market time waits for the bot, which has been at work for {0:.0f} s: it goes on when the bot sleeps or waits"
Say = Callable[[str], None]


class LockstepRun:
    """In a thread of its own, from `start` on, which returns when the replay waits."""

    def __init__(self, key_id: str, bot: BotAtWork, watched: Watched, market: MarketTime, say: Say) -> None:
        self.key_id, self.bot, self.watched, self.market, self.say = key_id, bot, watched, market, say
        self.joined, self.stopping = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="lockstep", daemon=True)

    def start(self) -> None:
        self.thread.start()
        self.joined.wait()

    def stop(self) -> None:
        self.stopping.set()
        if self.thread.ident:
            self.thread.join()

    async def _run(self) -> None:
        client = redis_client.for_event_loop()
        step = Lockstep(self.market.session_id, f"run {self.key_id}", owner=f"key {self.key_id}")
        try:
            newest = await self._newest()
            async with step.held(client, newest):
                self.joined.set()
                done = newest
                while not self.stopping.is_set():
                    newest = await self._newest()
                    if newest is not None and newest != done and await self._waits(newest):
                        await step.acknowledge(newest)
                        done = newest
                    await asyncio.sleep(LOOK_EVERY_SECONDS)
        finally:
            self.joined.set()
            await client.aclose()

    async def _newest(self) -> FrameId | None:
        return await in_thread(newest_frame_of)(self.market.session_id)

    async def _waits(self, frame: FrameId) -> bool:
        """Once it does; False where the run is over before."""
        await in_thread(self.market.look)()
        began, reported = time.monotonic(), False
        while not self.stopping.is_set():
            if self._at_rest(frame):
                return True
            if not reported and time.monotonic() > began + STANDS_AFTER_SECONDS:
                self.say(STANDS.format(STANDS_AFTER_SECONDS))
                reported = True
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        return False

    def _at_rest(self, frame: FrameId) -> bool:
        """Whether it waits for more than it has: acknowledges what its sockets have had."""
        if self.watched.asked or any(one.lags(frame) for one in held_sockets()):
            return False
        rest = self.bot.rest()  # before what it was sent: that may have come to it afterwards
        if rest is None or self.watched.asked or rest.looked_ns < self.watched.sent_ns or not self._is_answered(rest):
            return False
        if not self._is_later(rest.until_ns, frame):
            return False
        for one in held_sockets():
            one.handled_for_client()
        return True

    def _is_answered(self, rest: Rest) -> bool:
        """Whether what it sent last was answered; what has no answer, as a pong, has none after a second either."""
        return self.watched.sent_ns > rest.sent_ns or time.monotonic_ns() > rest.sent_ns + ANSWERED_WITHIN_NS

    def _is_later(self, until_ns: int, frame: FrameId) -> bool:
        """Than the clock comes without another frame: at full speed it stands at the last one."""
        reading, now = self.market.file.reading, frame.ms * MILLISECOND_NS
        if not self.market.speed:
            return until_ns > now
        return now <= reading.until_ns < until_ns
