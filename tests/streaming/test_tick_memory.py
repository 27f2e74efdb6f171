"""A day of trades and quotes is played in bounded memory, however many there are."""

from __future__ import annotations

import datetime as dt
import tracemalloc

import numpy as np
import pytest

from marketdata.calendar import trading_day
from marketdata.store import ensure_instruments
from marketdata.ticks.columns import CODES, VALUES, TickColumns, TickKind
from marketdata.ticks.store import NewTicks, dataset_named, find_ticks, write_ticks
from streaming.engine.frames import FrameId
from streaming.engine.reels import stored_reel
from streaming.engine.tape import Tape

pytestmark = pytest.mark.django_db
DAY = trading_day(dt.date(2025, 7, 2))
COUNTS = {TickKind.TRADES: 60_000, TickKind.QUOTES: 240_000}
STEP_MS = 5_000


def a_day(kind: TickKind, n: int) -> TickColumns:
    rng = np.random.default_rng(n)
    at = np.sort(rng.integers(0, DAY.minutes * 60 * 10**9, n))
    values = rng.integers(1000, 1100, (len(VALUES[kind]), n)) / 10
    codes = rng.integers(0, 3, (len(CODES[kind]), n)).astype(np.int32)
    return TickColumns(kind, at, values, codes, np.zeros(n, np.uint8), ("", "N", "Q"))


def test_playing_a_day_holds_two_chunks_a_stream_and_never_the_day() -> None:
    dataset, symbol = dataset_named("busy"), ensure_instruments(["BUSY"])
    whole = 0
    for kind, n in COUNTS.items():
        rows = a_day(kind, n)
        whole += rows.at.nbytes + rows.values.nbytes + rows.codes.nbytes + rows.flags.nbytes
        write_ticks(dataset.pk, [NewTicks(symbol["BUSY"], DAY.date, rows)])
    del rows
    tracemalloc.start()
    try:
        days = [find_ticks(dataset.pk, kind, DAY.date, ["BUSY"])["BUSY"] for kind in COUNTS]
        tape = Tape(DAY, {}, [], False, [stored_reel(day, STEP_MS) for day in days], STEP_MS)
        told, prev = 0, None
        for k in range(len(tape)):
            body = tape.body(k, prev, {"BUSY"})
            prev = FrameId(1, tape.instant(k), 0)
            told += len(body)
            assert all(len(reel.held) <= 2 for reel in tape.schedule.reels)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert told > whole / 2, "every event went out"
    assert peak < whole / 2, f"{peak:,} bytes held of a day of {whole:,}"
