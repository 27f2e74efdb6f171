"""A worker's memory while it plays many days: the current day and the next, never a third."""

from __future__ import annotations

from collections.abc import Iterator

import psutil

from benchmarks import delivery, world
from benchmarks.rows import Row

SYMBOLS, DAYS = 100, 20


def run() -> Iterator[Row]:
    with world.worker() as process:
        resident = played(process.pid)
    early, late = max(resident[: len(resident) // 3]), max(resident[-(len(resident) // 3) :])
    what = f"{DAYS} days x {SYMBOLS} symbols at speed 0: worker's memory"
    yield Row(what, late / 1e6, "MB", f"in the last third; {early / 1e6:.0f} MB in the first")


def played(pid: int) -> list[int]:
    """The worker's resident bytes from the first frame of a session to its end."""
    from sessions import control
    from sessions.models import Session

    session_id, _ = delivery.paused_session(SYMBOLS, DAYS)
    worker, resident = psutil.Process(pid), []
    control.resume(session_id)
    while Session.objects.get(pk=session_id).is_live:
        resident.append(worker.memory_info().rss)
    return resident
