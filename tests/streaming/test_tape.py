"""The merge: order, time of delivery, and that nothing later can change what was earlier."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata import calendar
from marketdata.columns import BarColumns
from streaming.engine.frames.frame import Frame, decode
from streaming.engine.frames.frame_id import FrameId, milliseconds, moment
from streaming.engine.tape.merge import Tape

HALF_DAY = calendar.trading_day(dt.date(2025, 7, 3))
FULL_DAY = calendar.trading_day(dt.date(2025, 7, 2))


def bars(minutes: list[int], seed: int = 0) -> BarColumns:
    rng = np.random.default_rng(seed)
    n = len(minutes)
    low = rng.uniform(10, 20, n).round(2)
    high = low + 1
    return BarColumns(
        np.array(minutes, np.int64) * 60, low, high, low, high, np.full(n, 100.0), np.full(n, 3.0), low + 0.5
    )


def frames(tape: Tape, active: set[str] | None = None) -> list[Frame]:
    wanted = set(tape.symbols) if active is None else active
    ids = [tape.frame_id(k, 1) for k in range(len(tape))]
    return [decode(ids[k], tape.body(k, ids[k - 1] if k else None, wanted), "") for k in range(len(tape))]


def test_a_day_is_a_frame_at_the_open_and_one_a_minute() -> None:
    for day, count in ((FULL_DAY, 391), (HALF_DAY, 211)):
        out = frames(Tape(day, {"AAPL": bars([0])}, [], synthetic=False))
        assert len(out) == count
        assert out[0].clock == day.open and out[-1].clock == day.close
        assert out[0].wire()["events"][0]["type"] == "day_open"
        assert out[-1].wire()["events"][-1]["type"] == "day_close"


def test_the_0930_bar_is_delivered_at_0931() -> None:
    out = frames(Tape(FULL_DAY, {"AAPL": bars([0, 1])}, [], synthetic=False))
    assert [len(frame.blocks) for frame in out[:4]] == [0, 1, 1, 0]
    assert out[1].clock == FULL_DAY.open + dt.timedelta(minutes=1)


def test_a_derived_bar_follows_its_last_minute_in_the_same_frame_even_if_that_minute_is_missing() -> None:
    out = frames(Tape(FULL_DAY, {"B": bars([0, 1, 2, 3]), "A": bars([4])}, [5, 15], synthetic=False))
    reported = [(e["interval"], e["symbol"], e["n_present"]) for e in out[5].wire()["events"]]
    assert reported == [("1m", "A", 1), ("5m", "A", 1), ("5m", "B", 4)]


def test_symbols_that_are_not_active_are_not_in_the_frame() -> None:
    tape = Tape(FULL_DAY, {"A": bars([0]), "B": bars([0])}, [], synthetic=False)
    assert frames(tape, {"B"})[1].blocks[0].symbols == ("B",)
    assert frames(tape, set())[1].blocks == []


minutes = st.sets(st.integers(0, HALF_DAY.minutes - 1), min_size=1, max_size=40).map(sorted)
days = st.dictionaries(st.sampled_from(["A", "B", "C", "SPY"]), minutes, min_size=1)
MANY = ["A", "AA", "B", "BRK.B", "BACpB", "C", "NA", "SPY", "TRUE", "ZVZZT", *(f"X{number}" for number in range(30))]


@settings(max_examples=60, deadline=None)
@given(days)
def test_every_bar_is_delivered_once_at_its_end(day: dict[str, list[int]]) -> None:
    tape = Tape(HALF_DAY, {s: bars(m, i) for i, (s, m) in enumerate(day.items())}, [5], synthetic=False)
    seen = []
    for frame in frames(tape):
        for block in frame.blocks:
            assert moment(block.end_ms) == frame.clock
            if block.width == 1:
                seen += [((block.start_ms - milliseconds(HALF_DAY.open)) // 60_000, s) for s in block.symbols]
    assert seen == sorted((m, s) for s, ms in day.items() for m in ms)


@settings(max_examples=40, deadline=None)
@given(days, st.integers(1, HALF_DAY.minutes - 1))
def test_output_up_to_t_is_the_same_bytes_when_the_data_ends_at_t(day: dict[str, list[int]], t: int) -> None:
    whole = {s: bars(m, i) for i, (s, m) in enumerate(day.items())}
    known = {s: b.take(b.offset < t * 60) for s, b in whole.items()}
    one, other = (Tape(HALF_DAY, data, [5, 15], synthetic=False) for data in (whole, known))
    for k in range(t // 15 * 15 + 1):
        prev = one.frame_id(k - 1, 1) if k else None
        assert one.body(k, prev, set(whole)) == other.body(k, prev, set(whole))


@pytest.mark.parametrize("count", [2, 8, 9, len(MANY)], ids=lambda count: f"{count} symbols")
@pytest.mark.parametrize("share", [0.05, 0.9], ids=["few of them a minute", "most of them a minute"])
def test_frames_laid_out_together_have_what_each_has_alone(count: int, share: float) -> None:
    """Names of other lengths, some of them absent in each minute, and blocks of one row or of many."""
    rng = np.random.default_rng(count)
    present = {s: np.flatnonzero(rng.random(HALF_DAY.minutes) < share).tolist() or [0] for s in MANY[:count]}
    data = {symbol: bars(minutes, number) for number, (symbol, minutes) in enumerate(present.items())}
    for active in (set(data), set(sorted(data)[1:])):
        tape, made, prev, k = Tape(HALF_DAY, data, [5], synthetic=False), b"", None, 0
        while k < len(tape):
            laid = tape.lay(k, len(tape), prev, active)
            made, prev, k = made + laid.body, FrameId(1, laid.ms[-1], 0), laid.next
        alone = frames(tape, active)
        ids = [tape.frame_id(k, 1) for k in range(len(tape))]
        assert made == b"".join(tape.body(k, ids[k - 1] if k else None, active) for k in range(len(tape)))
        for minute, frame in enumerate(alone[1:]):
            block = next((block for block in frame.blocks if block.width == 1), None)
            there = [symbol for symbol in sorted(active) if minute in present[symbol]]
            assert (list(block.symbols) if block else []) == there
            lows = [data[symbol].low[present[symbol].index(minute)] for symbol in there]
            assert (block.columns[2].tolist() if block else []) == lows
