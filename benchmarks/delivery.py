"""Bars a second at speed 0, from Postgres through a worker and Redis to a reader in another process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter

import psutil

from benchmarks import world
from benchmarks.rows import Row

SIZES = {1: 20, 2: 20, 100: 20, 500: 8}
"""Symbols → days: enough that starting is not what is measured."""
TRIES = 3
"""The middle one is reported: a run takes a second or two, in which the machine may have had other things to do."""
MODES = {
    "columns": "as batches of columns",
    "frames": "as columns, frame by frame",
    "bars": "as Python bars",
    "sse": "through SSE",
}


def run() -> Iterator[Row]:
    with world.worker() as worker, world.web() as web:
        for count, days in SIZES.items():
            for mode in MODES:
                given = (psutil.Process(worker.pid), count, days, mode, web if mode == "sse" else ())
                yield sorted((measure(*given) for _ in range(TRIES)), key=attrgetter("figure"))[TRIES // 2]


def measure(worker: psutil.Process, count: int, days: int, mode: str, web: Sequence[str]) -> Row:
    """From the resume of a session that stands at its first open to the arrival of its last frame."""
    from sessions import control

    session_id, bars = paused_session(count, days)
    with reader(session_id, mode, bars, *web) as process:
        began, spent = time.time(), sum(worker.cpu_times()[:2])
        control.resume(session_id)
        assert process.stdout is not None
        report = json.loads(process.stdout.readline())
    if report["bars"] != bars:
        raise RuntimeError(f"session {session_id}: {report['bars']} bars arrived of {bars}")
    seconds, spent = report["at"] - began, sum(worker.cpu_times()[:2]) - spent
    what = f"{count} symbols, {days} days, {MODES[mode]}"
    note = f"{bars:,} bars in {seconds:.2f} s; CPU: worker {spent:.2f} s, reader {report['cpu']:.2f} s"
    return Row(what, bars / seconds, "bars/s", note)


def paused_session(count: int, days: int) -> tuple[int, int]:
    """A session whose first day is loaded and which waits; returns its number and the bars of its window."""
    from sessions.models import Session
    from streaming.starts import service
    from streaming.starts.request import StartRequest

    names = world.symbols(count)
    dataset, first, last, bars = world.ensure_days(names, days)
    session = service.create(StartRequest(names, first, last, speed=0.0, derive=(), dataset=dataset))
    Session.objects.filter(pk=session.pk).update(paused=True)
    session.refresh_from_db()
    service.open_streams(session, service.quiet)
    return session.pk, bars


@contextmanager
def reader(session_id: int, mode: str, expected: int, *web: str) -> Iterator[subprocess.Popen[str]]:
    """A process that reads the session from its first frame on, and is about to."""
    command = [sys.executable, "-m", "benchmarks.reading", str(session_id), mode, str(expected), *web]
    process = subprocess.Popen(command, cwd=world.ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"the reader of session {session_id} ended")
        time.sleep(0.3)
        yield process
        process.wait(60)
    finally:
        if process.poll() is None:
            process.kill()
