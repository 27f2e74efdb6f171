"""Something that happens while a test waits for a stream."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection

from sessions.models import Session
from streaming.reading import registry


@contextmanager
def meanwhile(session: Session, seconds: float, work: Callable[[], Any]) -> Iterator[None]:
    """Do the work in another thread, some seconds after somebody reads the session.

    What it raises is raised when the block ends.
    """

    def run() -> None:
        try:
            end = time.monotonic() + 60
            while not registry.of_session(session) and time.monotonic() < end:
                time.sleep(0.02)
            time.sleep(seconds)
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(run)
        yield
        future.result(120)
