"""A day of trades and quotes is played in bounded memory, however many there are."""

from __future__ import annotations

import datetime as dt
import tracemalloc

import numpy as np
import pytest

from marketdata.calendar import trading_day
from marketdata.columns import TickColumns
from marketdata.kinds import KINDS, DayKind
from marketdata.store import NewDay, dataset_named, ensure_instruments, find_days, write_days
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.tape.chunk_cursor import stored_chunk_cursor
from streaming.engine.tape.merge import Tape

pytestmark = pytest.mark.django_db
DAY = trading_day(dt.date(2025, 7, 2))
COUNTS = {DayKind.TRADES: 60_000, DayKind.QUOTES: 240_000}
STEP_MS = 5_000


def a_day(kind: DayKind, n: int) -> TickColumns:
    rng = np.random.default_rng(n)
    at = np.sort(rng.integers(0, DAY.minutes * 60 * 10**9, n))
    values = rng.integers(1000, 1100, (len(KINDS[kind].values), n)) / 10
    codes = rng.integers(0, 3, (len(KINDS[kind].codes), n)).astype(np.int32)
    return TickColumns(kind, at, values, codes, np.zeros(n, np.uint8), ("", "N", "Q"))


def test_playing_a_day_holds_two_chunks_a_stream_and_never_the_day() -> None:
    dataset, symbol = dataset_named("busy"), ensure_instruments(["BUSY"])
    whole = 0
    for kind, n in COUNTS.items():
        rows = a_day(kind, n)
        whole += rows.at.nbytes + rows.values.nbytes + rows.codes.nbytes + rows.flags.nbytes
        write_days(dataset.pk, [NewDay(symbol["BUSY"], DAY.date, rows)])
    del rows
    tracemalloc.start()
    try:
        days = [find_days(dataset.pk, kind, DAY.date, ["BUSY"])["BUSY"] for kind in COUNTS]
        tape = Tape(DAY, {}, [], False, [stored_chunk_cursor(day, STEP_MS) for day in days], STEP_MS)
        reported, prev = 0, None
        for k in range(len(tape)):
            body = tape.body(k, prev, {"BUSY"})
            prev = FrameId(1, tape.instant(k), 0)
            reported += len(body)
            assert all(len(chunk_cursor.held) <= 2 for chunk_cursor in tape.schedule.chunk_cursors)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reported > whole / 2, "every event went out"
    assert peak < whole / 2, f"{peak:,} bytes held of a day of {whole:,}"
