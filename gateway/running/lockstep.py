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

import redis

from gateway.running.bot_at_work import BotAtWork, Rest
from gateway.running.market_time import MarketTime
from gateway.running.side_thread import SideThread
from gateway.running.watched import Watched
from gateway.sockets.bot_lockstep import held_sockets
from marketdata.units import MILLISECOND_NS
from sessions import redis_client
from sessions.models import Session
from sessions.redis_faults import fault
from streaming.as_of.newest_frame import newest_frame_of
from streaming.base.cancellation import end
from streaming.base.db import RETRY_AFTER, waited_for
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.publishing.lockstep import Lockstep

LOOK_EVERY_SECONDS, STOPS_WITHIN_SECONDS = 0.001, 0.05
ANSWERED_WITHIN_NS = 1_000_000_000
STANDS_AFTER_SECONDS = 10.0
RELEASED = "the replay had released the bot as silent: market time waits for it again from here on"
STANDS = "market time waits for the bot, which has been at work for {0:.0f} s: it goes on when the bot sleeps or waits"
Say = Callable[[str], None]


class LockstepRun:
    """In a thread of its own, from `start` on, which returns when the replay waits."""

    def __init__(self, key_id: str, bot: BotAtWork, watched: Watched, market: MarketTime, say: Say) -> None:
        self.key_id, self.bot, self.watched, self.market, self.say = key_id, bot, watched, market, say
        self.joined, self.stopping = threading.Event(), threading.Event()
        self.thread = SideThread("lockstep", lambda: asyncio.run(self._until_stopped()))

    def start(self) -> None:
        self.thread.start()
        self.joined.wait()

    def stop(self) -> None:
        self.stopping.set()
        if self.thread.ident:
            self.thread.join()

    async def _until_stopped(self) -> None:
        """Also while a server does not answer."""
        run = asyncio.create_task(self._run())
        while not run.done() and not self.stopping.is_set():
            await asyncio.wait([run], timeout=STOPS_WITHIN_SECONDS)
        if run.done():
            run.result()
        await end(run)

    async def _run(self) -> None:
        client = redis_client.for_event_loop()
        said = ""
        try:
            while True:
                try:
                    await self._be_waited_for(client)
                    reason = RELEASED
                except redis.RedisError as error:
                    reason = f"market time does not wait for the bot: {fault(error)}"
                except Session.DoesNotExist:
                    return  # the market's clock says so
                if reason != said:
                    self.say(reason)
                said = reason
                await asyncio.sleep(RETRY_AFTER)
        finally:
            self.joined.set()
            await client.aclose()

    async def _be_waited_for(self, client: redis.asyncio.Redis) -> None:
        """Until the replay has released the run's reader."""
        step = Lockstep(self.market.session_id, f"run {self.key_id}", owner=f"key {self.key_id}")
        done = newest = await self._newest()
        async with step.held(client, newest):
            self.joined.set()
            while True:
                newest = await self._newest()
                if newest is not None and newest != done:
                    await self._until_it_waits(newest)
                    if not await step.acknowledge(newest):
                        return
                    done = newest
                await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _newest(self) -> FrameId | None:
        return await waited_for(lambda: newest_frame_of(self.market.session_id))

    async def _until_it_waits(self, frame: FrameId) -> None:
        await waited_for(self.market.look)
        began, reported = time.monotonic(), False
        while not self._at_rest(frame):
            if not reported and time.monotonic() > began + STANDS_AFTER_SECONDS:
                self.say(STANDS.format(STANDS_AFTER_SECONDS))
                reported = True
            await asyncio.sleep(LOOK_EVERY_SECONDS)

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
