"""Sleeps and timers in market time: they end when the market's clock has passed; a pause holds them.

The standard library and the clients' own libraries keep real time: their waits are for the network.
"""

from __future__ import annotations

import asyncio
import sched
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

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


def in_market_time(clock: MarketClock) -> None:
    _sleeps(clock)
    _events(clock)
    sched.scheduler.__init__.__defaults__ = (time.time, time.sleep)  # its own default is the monotonic clock


def slices(clock: MarketClock, seconds: float) -> Iterator[float]:
    """Real seconds to wait, one stretch after another, until `seconds` of market time are over."""
    generation, now, pace = clock.read()
    left = int(seconds * SECOND_NS)
    end = now + left
    while left > 0:
        yield min(max(left / SECOND_NS / pace, SHORTEST_SLICE), LONGEST_SLICE) if pace > 0 else LONGEST_SLICE
        newer, now, pace = clock.read()
        if newer != generation:  # the clock was moved: what was left is left
            generation, end = newer, now + left
        left = end - now


def keeps_real_time(frame: Any) -> bool:
    root = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return root in CLIENTS or root in STANDARD


def _sleeps(clock: MarketClock) -> None:
    def sleep(seconds: float) -> None:
        if not seconds > 0 or keeps_real_time(sys._getframe(1)):
            real_sleep(seconds)
            return
        for stretch in slices(clock, seconds):
            real_sleep(stretch)

    async def in_slices(delay: float, result: Any) -> Any:
        for stretch in slices(clock, delay):
            await real_asyncio_sleep(stretch)
        return result

    def asyncio_sleep(delay: float, result: Any = None, **kwargs: Any) -> Any:
        if not delay > 0 or keeps_real_time(sys._getframe(1)):
            return real_asyncio_sleep(delay, result, **kwargs)
        return in_slices(delay, result)

    time.sleep = sleep  # type: ignore[assignment]
    asyncio.sleep = asyncio.tasks.sleep = asyncio_sleep


def _events(clock: MarketClock) -> None:
    def in_slices(event: threading.Event, timeout: float) -> bool:
        return any(real_wait(event, stretch) for stretch in slices(clock, timeout)) or event.is_set()

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
