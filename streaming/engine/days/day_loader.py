"""Loads a session's days in a thread of the pool, one after the other while days go by at full speed.

There a day lasts a few milliseconds: a thread that waits a moment for the next one spares its way through the pool, and
that of its connection.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import Empty, SimpleQueue
from typing import Generic, NamedTuple, TypeVar

from streaming.base.db import connected

Asked = TypeVar("Asked")
Made = TypeVar("Made")
LINGER_SECONDS = 0.05
"""How long a thread waits for the next day, with its connection."""


class _Job(NamedTuple, Generic[Asked, Made]):
    asked: Asked
    future: Future[Made]


class DayLoader(Generic[Asked, Made]):
    """`load` is called with what was asked for, in a thread and with a connection."""

    def __init__(self, threads: Executor, load: Callable[[Asked], Made]) -> None:
        self.threads, self.load = threads, load
        self.lock = threading.Lock()
        self.next_jobs: SimpleQueue[_Job[Asked, Made]] = SimpleQueue()
        self.lingering = False

    def ask(self, asked: Asked, *, another_soon: bool) -> Future[Made]:
        """Begin to load; `another_soon`: the thread is to wait for the next one when it has done."""
        job = _Job(asked, Future[Made]())
        with self.lock:
            if self.lingering:
                self.lingering = False
                self.next_jobs.put(job)
            else:
                self.threads.submit(self._work, job, another_soon)
        return job.future

    def _work(self, job: _Job[Asked, Made] | None, another_soon: bool) -> None:
        with connected():
            while job is not None and self._did(job) and another_soon:
                job = self._next()

    def _did(self, job: _Job[Asked, Made]) -> bool:
        """False where it failed: then the connection may be broken."""
        if not job.future.set_running_or_notify_cancel():
            return True
        try:
            made = self.load(job.asked)
        except BaseException as error:  # noqa: BLE001 - whoever waits for the day gets it
            job.future.set_exception(error)
            return False
        job.future.set_result(made)
        return True

    def _next(self) -> _Job[Asked, Made] | None:
        with self.lock:
            if self.lingering:
                return None  # another thread waits already
            self.lingering = True
        try:
            return self.next_jobs.get(timeout=LINGER_SECONDS)
        except Empty:
            with self.lock:
                if self.lingering:
                    self.lingering = False
                    return None
        return self.next_jobs.get()  # it was handed over in the last moment
