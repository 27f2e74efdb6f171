"""Whether any of the bot is at work, in a file that `run_bot --lockstep` reads: market time waits until none is.

At work are the main thread, the bot's own threads and timers, jobs of executors and running event loops, but for those
that sleep in market time, wait for another thread, or have looked for network events and found none.
"""

from __future__ import annotations

import asyncio
import concurrent.futures.thread
import mmap
import os
import selectors
import struct
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LAYOUT = struct.Struct("<QQqqqq")
"""Number of the write (odd while it is written), how many are at work, the earliest market ns at which one wakes; in
monotonic ns the earliest at which a loop that found nothing looked, that at which something was sent to the broker, and
that until which a library's thread that has begun is taken to be at work.
`gateway/running/bot_at_work.py` reads it.
"""
NEVER = 2**62
LONGEST_LOOK = 0.02
"""Real seconds: so often an event loop looks again, which says that it has had what was sent to it."""
LONGEST_ARRIVAL_NS = 1_000_000_000
"""Real time that a library's thread is at work after its start, unless its loop waits or it ends before."""
real_lock, real_monotonic_ns = threading.Lock, time.monotonic_ns


class AtWork:
    """Each by a key: depth of its waits, until when, and when it looked. Only what has begun is counted."""

    def __init__(self, folder: Path) -> None:
        path, next_path = folder / f"at-work-{os.getpid()}", folder / f"next-{os.getpid()}"
        next_path.write_bytes(bytes(LAYOUT.size))
        with next_path.open("r+b") as file:
            self.map = mmap.mmap(file.fileno(), LAYOUT.size)
        next_path.replace(path)  # whole from the first moment on: it is read as soon as it is there
        self.lock, self.writes = real_lock(), 0
        self.waits: dict[Hashable, list[tuple[int, int]]] = {}
        """Key → its waits, innermost last, as (until, looked)."""
        self.sleeps: dict[object, int] = {}
        """Sleeps of tasks in event loops → when they end."""
        self.sent_ns = 0
        self.arriving: dict[threading.Thread, int] = {}
        """Threads of libraries that have begun and not yet waited → until when that counts as work."""
        self.begin(threading.get_ident())

    def arrives(self, thread: threading.Thread) -> None:
        with self.lock:
            self.arriving[thread] = real_monotonic_ns() + LONGEST_ARRIVAL_NS
            self._write()

    def arrived(self, thread: threading.Thread) -> None:
        with self.lock:
            if self.arriving.pop(thread, None) is not None:
                self._write()

    def sends(self) -> None:
        with self.lock:
            self.sent_ns = real_monotonic_ns()
            self._write()

    def begin(self, key: Hashable) -> None:
        with self.lock:
            self.waits.setdefault(key, [])
            self._write()

    def end(self, key: Hashable) -> None:
        with self.lock:
            self.waits.pop(key, None)
            self._write()

    @contextmanager
    def waiting(self, key: Hashable, until: int = NEVER, looked: int = NEVER) -> Iterator[None]:
        self.enter(key, until, looked)
        try:
            yield
        finally:
            self.leave(key)

    def enter(self, key: Hashable, until: int = NEVER, looked: int = NEVER) -> None:
        with self.lock:
            if (waits := self.waits.get(key)) is not None:
                waits.append((until, looked))
                self._write()

    def leave(self, key: Hashable) -> None:
        with self.lock:
            if waits := self.waits.get(key):
                waits.pop()
                self._write()

    def until(self, key: Hashable, until: int) -> None:
        """A wait ends at another time: the clock was moved."""
        with self.lock:
            if waits := self.waits.get(key):
                waits[0] = (until, waits[0][1])
                self._write()

    def sleeping(self, task: object, until: int | None) -> None:
        with self.lock:
            if until is None:
                self.sleeps.pop(task, None)
            else:
                self.sleeps[task] = until
            self._write()

    def _write(self) -> None:
        outermost = [waits[0] for waits in self.waits.values() if waits]
        until = min([NEVER, *(each[0] for each in outermost), *self.sleeps.values()])
        looked = min([NEVER, *(each[1] for each in outermost)])
        struct.pack_into("<Q", self.map, 0, 2 * self.writes + 1)
        arriving = max(self.arriving.values(), default=0)
        at_work = len(self.waits) - len(outermost)
        struct.pack_into("<Qqqqq", self.map, 8, at_work, until, looked, self.sent_ns, arriving)
        self.writes += 1
        struct.pack_into("<Q", self.map, 0, 2 * self.writes)


def watch(work: AtWork, is_library: Callable[[str], bool]) -> None:
    _threads(work, is_library)
    _jobs(work)
    _loops(work)


def _threads(work: AtWork, is_library: Callable[[str], bool]) -> None:
    start, join, wait = threading.Thread.start, threading.Thread.join, threading.Condition.wait

    def started(self: threading.Thread) -> None:
        run, coming = self.run, object()
        target = getattr(self, "_target", None)
        module = str(getattr(target, "__module__", None) or type(self).__module__)

        def arriving() -> None:
            try:
                run()
            finally:
                work.arrived(self)

        def at_work() -> None:
            work.begin(threading.get_ident())
            work.end(coming)
            try:
                run()
            finally:
                work.end(threading.get_ident())

        if isinstance(self, threading.Timer) or not is_library(module):
            self.run = at_work  # type: ignore[method-assign]
            work.begin(coming)
        elif module != concurrent.futures.thread.__name__:  # whose jobs are counted
            self.run = arriving  # type: ignore[method-assign]
            work.arrives(self)
        start(self)

    def joined(self: threading.Thread, timeout: Any = None) -> None:
        with work.waiting(threading.get_ident()):
            join(self, timeout)

    def waited(self: threading.Condition, timeout: Any = None) -> bool:
        with work.waiting(threading.get_ident()):
            return wait(self, timeout)

    threading.Thread.start, threading.Thread.join = started, joined  # type: ignore[method-assign]
    threading.Condition.wait = waited  # type: ignore[method-assign]


def _jobs(work: AtWork) -> None:
    submit = concurrent.futures.ThreadPoolExecutor.submit

    def submitted(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        coming = object()

        def job() -> Any:
            work.begin(threading.get_ident())
            work.end(coming)
            try:
                return fn(*args, **kwargs)
            finally:
                work.end(threading.get_ident())

        work.begin(coming)
        future = submit(self, job)
        future.add_done_callback(lambda _: work.end(coming))
        return future

    concurrent.futures.ThreadPoolExecutor.submit = submitted  # type: ignore[method-assign]


def _loops(work: AtWork) -> None:
    """A loop is at work but while it waits for events after it has looked and found none."""
    run_forever, select = asyncio.base_events.BaseEventLoop.run_forever, selectors.DefaultSelector.select

    def ran(self: Any) -> None:
        key = ("loop", threading.get_ident())
        work.begin(key)
        try:
            run_forever(self)
        finally:
            work.end(key)

    def looked(self: Any, timeout: Any = None) -> Any:
        key = ("loop", threading.get_ident())
        if key not in work.waits or (timeout is not None and timeout <= 0):
            return select(self, timeout)
        at = real_monotonic_ns()
        if ready := select(self, 0):
            return ready
        longest = LONGEST_LOOK if timeout is None else min(timeout, LONGEST_LOOK)
        if any(registered.events & selectors.EVENT_WRITE for registered in self.get_map().values()):
            return select(self, longest)  # it connects, or has more to send
        work.arrived(threading.current_thread())
        with work.waiting(key, NEVER, at), work.waiting(threading.get_ident()):
            return select(self, longest)

    asyncio.base_events.BaseEventLoop.run_forever = ran  # type: ignore[method-assign]
    selectors.DefaultSelector.select = looked  # type: ignore[method-assign]
