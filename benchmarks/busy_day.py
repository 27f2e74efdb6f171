"""One symbol's day of 500,000 trades and 2,000,000 quotes, from Postgres to a reader in another process."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import numpy as np
import psutil

from benchmarks import delivery, world
from benchmarks.rows import Row

TRADES, QUOTES = 500_000, 2_000_000
SYMBOL = "BUSY"


def run() -> Iterator[Row]:
    from sessions import control
    from sessions.models import Session

    dataset = ensure_day()
    with world.worker() as process:
        worker = psutil.Process(process.pid)
        before, resident, longest = worker.memory_info().rss, [], 0
        session_id = paused_session(dataset)
        began = time.time()
        with delivery.reader(session_id, "ticks", TRADES + QUOTES) as reading:
            control.resume(session_id)
            while Session.objects.get(pk=session_id).is_live:
                resident.append(worker.memory_info().rss)
                longest = max(longest, stream_bytes(session_id))
                time.sleep(0.05)
            assert reading.stdout is not None
            report = json.loads(reading.stdout.readline())
    if report["bars"] != TRADES + QUOTES:
        raise RuntimeError(f"{report['bars']:,} trades and quotes arrived of {TRADES + QUOTES:,}")
    what, seconds = f"{TRADES:,} trades and {QUOTES:,} quotes of one symbol", report["at"] - began
    yield Row(f"{what}, speed 0", report["bars"] / seconds, "events/s", f"reader CPU {report['cpu']:.2f} s")
    note = f"{before / 1e6:.0f} MB before; a reader in another process"
    yield Row(f"{what}: worker's memory", max(resident) / 1e6, "MB", note)
    yield Row(f"{what}: Redis Stream, most", longest / 1e6, "MB", "STREAM_MAX_BYTES is 268 MB of frames")


def paused_session(dataset: str) -> int:
    from sessions.models import Session
    from streaming.starts import service
    from streaming.starts.request import StartRequest

    request = StartRequest((SYMBOL,), world.FIRST, speed=0.0, types=("ticks", "quotes"), dataset=dataset)
    session = service.create(request)
    Session.objects.filter(pk=session.pk).update(paused=True)
    session.refresh_from_db()
    service.open_streams(session, service.quiet)
    return session.pk


def stream_bytes(session_id: int) -> int:
    from sessions.redis_client import connection
    from streaming.engine.publishing.bus import stream_key

    return int(connection().memory_usage(stream_key(session_id, 1), samples=0) or 0)  # type: ignore[arg-type]


def ensure_day() -> str:
    """Random events at random nanoseconds of the day; returns the dataset's name."""
    from marketdata import calendar
    from marketdata.columns import TickColumns
    from marketdata.kinds import KINDS, DayKind
    from marketdata.store import NewDay, dataset_named, ensure_instruments, write_days

    dataset, day = dataset_named("busy"), calendar.trading_day(world.FIRST)
    instrument = ensure_instruments([SYMBOL])[SYMBOL]
    for kind, n in ((DayKind.TRADES, TRADES), (DayKind.QUOTES, QUOTES)):
        rng = np.random.default_rng(n)
        at = np.sort(rng.integers(0, day.minutes * 60 * 10**9, n))
        values = rng.integers(1000, 1100, (len(KINDS[kind].values), n)) / 10
        codes = rng.integers(0, 3, (len(KINDS[kind].codes), n)).astype(np.int32)
        rows = TickColumns(kind, at, values, codes, np.zeros(n, np.uint8), ("", "N", "Q"))
        write_days(dataset.pk, [NewDay(instrument, day.date, rows)])
    return dataset.name
