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

    def _work(self, job: _Job[Asked, Made], another_soon: bool) -> None:
        next_job: _Job[Asked, Made] | None = job
        with connected():
            while next_job is not None:
                next_job = self._next() if self._did(next_job, another_soon) else None

    def _did(self, job: _Job[Asked, Made], another_soon: bool) -> bool:
        """Whether this thread is to wait for another: not after an error, for then its connection may be broken."""
        if not job.future.set_running_or_notify_cancel():
            return another_soon and self._linger()
        try:
            made = self.load(job.asked)
        except BaseException as error:  # noqa: BLE001 - whoever waits for the day gets it
            job.future.set_exception(error)
            return False
        lingers = another_soon and self._linger()  # before anybody knows that the day is there, and asks for the next
        job.future.set_result(made)
        return lingers

    def _linger(self) -> bool:
        """False where another thread waits already."""
        with self.lock:
            waits, self.lingering = self.lingering, True
        return not waits

    def _next(self) -> _Job[Asked, Made] | None:
        try:
            return self.next_jobs.get(timeout=LINGER_SECONDS)
        except Empty:
            with self.lock:
                if self.lingering:
                    self.lingering = False
                    return None
        return self.next_jobs.get()  # it was handed over in the last moment
