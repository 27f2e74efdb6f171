"""A question to a service that is answered in time, or counts as not answered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from django.db import connection

T = TypeVar("T")


class Probe(Generic[T]):
    """Asks in a thread of its own: a service that hangs costs its askers the deadline, and this process one thread."""

    def __init__(self, name: str, ask: Callable[[], T], deadline_seconds: float) -> None:
        self.ask, self.deadline_seconds = ask, deadline_seconds
        self.pool = ThreadPoolExecutor(1, thread_name_prefix=f"probe-{name}")
        self.lock = threading.Lock()
        self.asking: Future[T] | None = None

    def answer(self) -> T | None:
        """The answer; None where there is none in time. Those who ask at the same moment share a question."""
        with self.lock:
            if self.asking is None or self.asking.done():
                self.asking = self.pool.submit(self._ask)
        try:
            return self.asking.result(self.deadline_seconds)
        except TimeoutError:
            return None

    def _ask(self) -> T:
        try:
            return self.ask()
        finally:
            connection.close()
