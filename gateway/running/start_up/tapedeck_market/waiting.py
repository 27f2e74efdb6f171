"""Sleeps and timers in market time: they end when the market's clock has passed; a pause holds them.

The standard library and the clients' own libraries keep real time: their waits are for the network.
"""

from __future__ import annotations

import asyncio
import sched
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from .at_work import AtWork
from .clock import MarketClock

SECOND_NS = 1_000_000_000
LONGEST_SLICE = 0.02
SHORTEST_SLICE = 0.0005
CLIENTS = frozenset(
    (
        *("urllib3", "requests", "httpx", "httpcore", "anyio", "aiohttp", "websockets", "websocket", "redis"),
        *("alpaca", "alpaca_trade_api"),
    )
)
STANDARD = frozenset(getattr(sys, "stdlib_module_names", ("asyncio", "subprocess", "threading"))) - {"sched"}

real_sleep = time.sleep
real_asyncio_sleep = asyncio.sleep
real_wait = threading.Event.wait


def in_market_time(clock: MarketClock, work: AtWork | None = None) -> None:
    """`work`: where waits are reported, for a replay that waits for them."""
    _sleeps(clock, work)
    _events(clock, work)
    sched.scheduler.__init__.__defaults__ = (time.time, time.sleep)  # its own default is the monotonic clock


class Rest:
    """A wait of this thread, while somebody is to know when it ends."""

    def __init__(self, work: AtWork | None) -> None:
        ident = threading.get_ident()
        self.work, self.keys, self.begun = work, (ident, ("loop", ident)), False

    def until(self, end: int) -> None:
        for key in self.keys if self.work else ():
            assert self.work
            self.work.until(key, end) if self.begun else self.work.enter(key, end)
        self.begun = True

    def over(self) -> None:
        for key in self.keys if self.work and self.begun else ():
            assert self.work
            self.work.leave(key)


class TaskRest(Rest):
    """A wait of a task in an event loop, which goes on with others."""

    def until(self, end: int) -> None:
        if self.work:
            self.work.sleeping(self, end)

    def over(self) -> None:
        if self.work:
            self.work.sleeping(self, None)


def slices(clock: MarketClock, seconds: float, report: Callable[[int], None] = lambda end: None) -> Iterator[float]:
    """Real seconds to wait, one stretch after another, until `seconds` of market time are over.

    `report` hears when that is in market nanoseconds, and again where the clock is moved. Stretches grow while it
    stands: a replay that waits for this bot has to find it asleep, however slowly it looks.
    """
    generation, now, pace = clock.read()
    left, standing = int(seconds * SECOND_NS), SHORTEST_SLICE
    end = now + left
    report(end)
    while left > 0:
        shortest = left / SECOND_NS / pace if pace > 0 else 0.0
        yield min(max(shortest, standing), LONGEST_SLICE)
        before, (newer, now, pace) = now, clock.read()
        standing = SHORTEST_SLICE if now != before else min(2 * standing, LONGEST_SLICE)
        if newer != generation:  # the clock was moved: what was left is left
            generation, end = newer, now + left
            report(end)
        left = end - now


def keeps_real_time(frame: Any) -> bool:
    root = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return root in CLIENTS or root in STANDARD


def _sleeps(clock: MarketClock, work: AtWork | None) -> None:
    def sleep(seconds: float) -> None:
        if not seconds > 0 or keeps_real_time(sys._getframe(1)):
            real_sleep(seconds)
            return
        rest = Rest(work)
        try:
            for stretch in slices(clock, seconds, rest.until):
                real_sleep(stretch)
        finally:
            rest.over()

    async def in_slices(delay: float, result: Any) -> Any:
        rest = TaskRest(work)
        try:
            for stretch in slices(clock, delay, rest.until):
                await real_asyncio_sleep(stretch)
        finally:
            rest.over()
        return result

    def asyncio_sleep(delay: float, result: Any = None, **kwargs: Any) -> Any:
        if not delay > 0 or keeps_real_time(sys._getframe(1)):
            return real_asyncio_sleep(delay, result, **kwargs)
        return in_slices(delay, result)

    time.sleep = sleep  # type: ignore[assignment]
    asyncio.sleep = asyncio.tasks.sleep = asyncio_sleep


def _events(clock: MarketClock, work: AtWork | None) -> None:
    def in_slices(event: threading.Event, timeout: float) -> bool:
        rest = Rest(work)
        try:
            return any(real_wait(event, stretch) for stretch in slices(clock, timeout, rest.until)) or event.is_set()
        finally:
            rest.over()

    def wait(self: threading.Event, timeout: Any = None) -> bool:
        if timeout is None or not timeout > 0 or keeps_real_time(sys._getframe(1)):
            return real_wait(self, timeout)
        return in_slices(self, timeout)

    def run(self: threading.Timer) -> None:
        if not in_slices(self.finished, self.interval):
            self.function(*self.args, **self.kwargs)
        self.finished.set()

    threading.Event.wait = wait  # type: ignore[method-assign]
    threading.Timer.run = run  # type: ignore[assignment, method-assign]
