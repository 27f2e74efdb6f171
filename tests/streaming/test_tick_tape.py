"""Trades and quotes on the tape: never early, never reordered, grouped by the step, whatever the chunks."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata import calendar
from marketdata.columns import BarColumns, TickColumns
from marketdata.kinds import DayKind
from marketdata.store import Spans
from marketdata.units import MILLISECOND_NS as MS
from marketdata.wire_events import stamp
from streaming.engine.frames.frame import Frame, decode
from streaming.engine.frames.frame_id import milliseconds
from streaming.engine.tape.chunk_cursor import ChunkCursor
from streaming.engine.tape.merge import Tape

DAY = calendar.trading_day(dt.date(2025, 7, 3))
OPEN_NS = milliseconds(DAY.open) * MS
END_NS = DAY.minutes * 60_000 * MS


def a_chunk_cursor(symbol: str, kind: str, at: list[int], step_ms: int = 100, rows_a_chunk: int = 3) -> ChunkCursor:
    """Events at these nanoseconds from the open; the first value counts them, so that each can be distinguished."""
    n = len(at)
    stamps = np.array(sorted(at), np.int64)
    counted = np.arange(1, n + 1, dtype=np.float64)
    others = 1 if kind == DayKind.TRADES else 3
    codes = np.zeros((2 if kind == DayKind.TRADES else 3, n), np.int32)
    codes[0] = np.arange(n) % 2
    values = np.vstack([counted, np.ones((others, n))])
    rows = TickColumns(kind, stamps, values, codes, np.zeros(n, np.uint8), ("", "N"))
    chunks = [rows.take(slice(low, low + rows_a_chunk)) for low in range(0, n, rows_a_chunk)]
    first, last = ([int(chunk.at[end]) for chunk in chunks] for end in (0, -1))
    before = range(0, n, rows_a_chunk)
    spans = Spans(np.array(first, np.int64), np.array(last, np.int64), np.array(before, np.int64))
    steps = np.unique(-(-stamps // (step_ms * MS))).astype(np.int32)
    return ChunkCursor(symbol, kind, spans, steps, step_ms, chunks.__getitem__, ahead=False)


def frames(tape: Tape, active: set[str] | None = None) -> list[Frame]:
    found: list[Frame] = []
    for k in range(len(tape)):
        frame_id = tape.frame_id(k, 1)
        body = tape.body(k, found[-1].id if found else None, active or set(tape.symbols))
        if body:
            found.append(decode(frame_id, body, ""))
    return found


def events(out: list[Frame]) -> list[tuple[Frame, dict[str, object]]]:
    kinds = ("trade", "quote", "bar")
    return [(frame, event) for frame in out for event in frame.wire()["events"] if event["type"] in kinds]


def a_tape(*chunk_cursors: ChunkCursor, bars: dict[str, BarColumns] | None = None, step_ms: int = 100) -> Tape:
    return Tape(DAY, bars or {}, [], False, chunk_cursors, step_ms)


def test_an_event_goes_out_at_the_end_of_its_step_and_one_on_the_step_at_once() -> None:
    at = [0, 1, 100 * MS, 100 * MS + 1, 250 * MS]
    out = frames(a_tape(a_chunk_cursor("A", DayKind.TRADES, at)))
    reported = [(frame.id.ms - milliseconds(DAY.open), event["price"]) for frame, event in events(out)]
    assert reported == [(0, 1.0), (100, 2.0), (100, 3.0), (200, 4.0), (300, 5.0)]


def test_every_minute_has_a_frame_and_a_step_without_events_has_none() -> None:
    out = frames(a_tape(a_chunk_cursor("A", DayKind.TRADES, [1, 61_000 * MS])))
    assert [frame.id.ms - milliseconds(DAY.open) for frame in out[:5]] == [0, 100, 60_000, 61_000, 120_000]
    assert len(out) == DAY.minutes + 1 + 2


def test_within_a_frame_events_stand_by_their_stamps_quotes_before_trades_before_bars() -> None:
    minute = 60_000 * MS
    bars = BarColumns(np.array([0], np.int64), *(np.array([1.0]) for _ in range(7)))
    trades = a_chunk_cursor("A", DayKind.TRADES, [minute - 2, minute])
    quotes = a_chunk_cursor("A", DayKind.QUOTES, [minute - 1, minute])
    others = a_chunk_cursor("B", DayKind.TRADES, [minute - 2])
    out = frames(a_tape(others, trades, quotes, bars={"A": bars}))
    reported = [(event["type"], event["symbol"], event.get("at")) for _, event in events(out)]
    before, just = (stamp(OPEN_NS + minute - 2), stamp(OPEN_NS + minute - 1))
    at = stamp(OPEN_NS + minute)
    assert reported == [
        ("trade", "A", before),
        ("trade", "B", before),
        ("quote", "A", just),
        ("quote", "A", at),
        ("trade", "A", at),
        ("bar", "A", None),
    ]


def test_source_stamps_survive_with_as_many_digits_as_they_have() -> None:
    assert stamp(OPEN_NS) == "2025-07-03T13:30:00Z"
    assert stamp(OPEN_NS + 5 * MS) == "2025-07-03T13:30:00.005Z"
    assert stamp(OPEN_NS + 5_000) == "2025-07-03T13:30:00.000005Z"
    assert stamp(OPEN_NS + 5) == "2025-07-03T13:30:00.000000005Z"


def test_a_symbol_that_is_not_active_makes_no_frames() -> None:
    tape = a_tape(a_chunk_cursor("A", DayKind.TRADES, [1]), a_chunk_cursor("B", DayKind.TRADES, [150 * MS]))
    assert [frame.id.ms - milliseconds(DAY.open) for frame in frames(tape, {"A"})[:3]] == [0, 100, 60_000]


ticks = st.lists(st.integers(0, END_NS - 1), max_size=40).map(sorted)
clustered = st.lists(st.integers(0, 3_000 * MS).map(lambda at: at // (7 * MS) * (7 * MS)), max_size=40).map(sorted)
sources = st.tuples(st.one_of(ticks, clustered), st.one_of(ticks, clustered), st.one_of(ticks, clustered))


@settings(max_examples=80, deadline=None)
@given(sources, st.sampled_from([1, 20, 100, 1000, 60_000]), st.integers(1, 5))
def test_everything_goes_out_once_in_order_and_never_early(
    source: tuple[list[int], list[int], list[int]], step_ms: int, rows_a_chunk: int
) -> None:
    kinds = (("A", DayKind.TRADES), ("B", DayKind.TRADES), ("A", DayKind.QUOTES))
    chunk_cursors = [
        a_chunk_cursor(symbol, kind, at, step_ms, rows_a_chunk)
        for (symbol, kind), at in zip(kinds, source, strict=True)
        if at
    ]
    out = events(frames(a_tape(*chunk_cursors, step_ms=step_ms)))
    expected = [
        (at, 0 if kind == DayKind.QUOTES else 1, symbol, place + 1.0)
        for (symbol, kind), part in zip(kinds, source, strict=True)
        for place, at in enumerate(part)
    ]
    reported = [
        (event["at"], 0 if event["type"] == "quote" else 1, event["symbol"], event.get("price") or event.get("bid"))
        for _, event in out
    ]
    assert reported == [(stamp(OPEN_NS + at), *rest) for at, *rest in sorted(expected)]
    for (frame, _), (at, *_) in zip(out, sorted(expected), strict=True):
        late = frame.id.ms * MS - (OPEN_NS + at)
        assert 0 <= late < step_ms * MS


@settings(max_examples=40, deadline=None)
@given(ticks, st.integers(0, DAY.minutes))
def test_a_chunk_cursor_counts_what_is_published(at: list[int], minute: int) -> None:
    if not at:
        return
    step = minute * 600
    count, last = a_chunk_cursor("A", DayKind.TRADES, at).count_until(step)
    known = [one for one in at if one <= step * 100 * MS]
    assert count == len(known)
    assert last.at.tolist() == known[-1:]


def test_a_layer_holds_two_chunks_at_most() -> None:
    chunk_cursor = a_chunk_cursor("A", DayKind.TRADES, list(range(0, 1_000 * MS, MS)))
    chunk_cursor.ahead = True
    for step in range(1, 11):
        assert len(chunk_cursor.between(step, step)) == (100 if step < 10 else 99)
        assert len(chunk_cursor.held) <= 2


@pytest.mark.parametrize("ms", [0, 99, 100, 101, 60_000, 10**9])
def test_first_after_is_the_first_frame_later_than_a_clock(ms: int) -> None:
    tape = a_tape(a_chunk_cursor("A", DayKind.TRADES, [1, 150 * MS]))
    clock = milliseconds(DAY.open) + ms
    after = tape.first_after(clock)
    assert all(tape.instant(k) <= clock for k in range(after))
    assert after == len(tape) or tape.instant(after) > clock
