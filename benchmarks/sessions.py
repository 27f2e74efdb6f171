"""Two hundred paced sessions in one worker process, then in two: how far behind their clocks frames go out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

from benchmarks import world
from benchmarks.rows import Row

SESSIONS, SYMBOLS, SPEED = 200, 10, 60.0
MEASURED = 130.0
"""Seconds: more than the two market hours over which clock errors are reported, so that starting is not in them."""


def run() -> Iterator[Row]:
    for workers in (1, 2):
        with ExitStack() as stack:
            slots = SESSIONS // workers
            for _ in range(workers):
                stack.enter_context(world.worker(REPLAY_SLOTS=str(slots)))
            yield from measure(workers)


def measure(workers: int) -> Iterator[Row]:
    from sessions import control
    from sessions.models import Session

    ids = [_begin() for _ in range(SESSIONS)]
    rows = Session.objects.filter(pk__in=ids)
    try:
        _await(lambda: not rows.filter(state="starting").exists())
        time.sleep(MEASURED)
        reported = list(rows.values_list("run__clock_error", "run__real_speed", "run__worker"))
    finally:
        for session_id in rows.values_list("pk", flat=True):
            control.stop(session_id)
        _await(lambda: not rows.filter(worker__gt="").exists())
    errors = sorted(error for error, _, _ in reported if error is not None)
    speeds = sorted(speed for _, speed, _ in reported if speed is not None)
    shares = ", ".join(str(n) for n in Counter(worker for _, _, worker in reported).values())
    what = (
        f"{SESSIONS} sessions of {SYMBOLS} symbols at {SPEED:g}x, {workers} worker process{'es' if workers > 1 else ''}"
    )
    note = f"p99 of each session's frames: median {errors[len(errors) // 2]:.0f} ms; sessions a worker: {shares}"
    yield Row(f"{what}: clock error", errors[len(errors) * 99 // 100], "ms", note)
    yield Row(f"{what}: real speed", speeds[len(speeds) // 2], "x", f"slowest {speeds[0]:.1f}")


def _begin() -> int:
    """A session on its way to the workers, without waiting until it is loaded."""
    from streaming.starts import service
    from streaming.starts.request import StartRequest

    names = world.symbols(SYMBOLS)
    dataset, first, last, _ = world.ensure_days(names, 1)
    session = service.create(StartRequest(names, first, last, speed=SPEED, dataset=dataset))
    session.streams.update(active=True)
    service._hand_over(session, list(names))
    return session.pk


def _await(true: object, seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} s")
        time.sleep(0.2)
