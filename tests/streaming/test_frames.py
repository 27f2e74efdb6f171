"""The binary layout of frames, their ids and their chain."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streaming.engine.frames.bar_blocks import BarBlock, wire_values
from streaming.engine.frames.frame import NO_CHAIN, decode, link
from streaming.engine.frames.frame_id import CursorError, FrameId, rfc3339
from streaming.engine.frames.laying_out import Blocks, Heads, Texts, lay_out
from streaming.engine.frames.layout import RECORDS

OPEN = 1_731_940_200_000


def block(symbols: list[str], values: list[list[float]]) -> BarBlock:
    columns = np.array(values, np.float64).reshape(len(symbols), 7).T.copy()
    present = np.ones(len(symbols), np.uint16)
    return BarBlock(1, OPEN, OPEN + 60_000, 1, False, tuple(symbols), columns, present)


def encode(clock_ms: int, prev: FrameId | None, extras: list[dict[str, object]], bars: BarBlock) -> bytes:
    """A frame of one block."""
    texts = Texts()
    text = texts.number("\n".join(bars.symbols).encode())
    rows = np.zeros(len(bars.symbols), RECORDS["bars"])
    rows["values"], rows["n_present"] = bars.columns.T, bars.n_present
    one = np.ones(1, np.int64)
    records = rows.view(np.int64).reshape(len(rows), 8)
    block = Blocks(1, 0 * one, len(rows) * one, records, 0 * one, text * one, texts, bars.width, bars.start_ms)
    block.end, block.expected = bars.end_ms, one
    heads = Heads(np.array([clock_ms]), np.zeros(1, np.uint8), prev, {0: extras} if extras else {})
    return lay_out(heads, [block])[0]


numbers = st.one_of(st.floats(allow_infinity=False, width=64), st.just(float("nan")))
rows = st.dictionaries(
    st.from_regex(r"[A-Z]{1,5}", fullmatch=True), st.lists(numbers, min_size=7, max_size=7), min_size=1
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(rows)
def test_what_goes_in_comes_out_bit_for_bit(bars: dict[str, list[float]]) -> None:
    names = sorted(bars)
    out = block(names, [bars[name] for name in names])
    frame_id, prev = FrameId(1, OPEN + 60_000, 0), FrameId(1, OPEN, 0)
    body = encode(frame_id.ms, prev, [{"type": "day_open"}], out)
    frame = decode(frame_id, body, "00")
    assert frame.prev == prev
    assert frame.extras == [{"type": "day_open"}]
    assert frame.blocks[0].symbols == tuple(names)
    assert frame.blocks[0].columns.tobytes() == out.columns.tobytes()


def test_absent_values_are_null_and_whole_ones_are_whole_on_the_wire() -> None:
    nan = float("nan")
    frame_id = FrameId(1, OPEN + 60_000, 0)
    body = encode(frame_id.ms, None, [], block(["AAPL"], [[1.5, 2.0, 1.25, 1.75, 900.0, nan, nan]]))
    wire = decode(frame_id, body, "ab").wire()
    assert wire["id"] == f"1.{OPEN + 60_000}-0"
    assert wire["clock"] == "2024-11-18T14:31:00Z"
    (bar,) = wire["events"]
    assert (bar["start"], bar["end"]) == ("2024-11-18T14:30:00Z", "2024-11-18T14:31:00Z")
    assert bar["volume"] == 900 and isinstance(bar["volume"], int)
    assert bar["trade_count"] is None and bar["vwap"] is None
    assert bar["open"] == 1.5 and bar["complete"] is True


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(st.lists(numbers, min_size=7, max_size=7), min_size=1, max_size=9))
def test_columns_become_the_same_wire_values_as_single_bars(bars: list[list[float]]) -> None:
    """-0.0 and 0 are the same number, and a volume beyond 64 bits is one that no market has."""
    small = [[value if abs(value) < 2**63 or value != value else 1.0 for value in values] for values in bars]
    out = block([f"S{i}" for i in range(len(small))], small)
    for event, values in zip(out.events(), small, strict=True):
        expected = wire_values(values)
        assert {name: event[name] for name in expected} == expected
        assert [type(event[name]) for name in expected] == [type(value) for value in expected.values()]


@pytest.mark.parametrize("text", ["", "1", "1.2", "a.b-c", "1731940260000-0"])
def test_a_malformed_cursor_is_named(text: str) -> None:
    with pytest.raises(CursorError, match="is not a cursor"):
        FrameId.parse(text)


def test_cursors_order_by_generation_then_clock_then_number() -> None:
    ids = ["2.5-0", "1.7-1", "1.7-0", "1.50-0"]
    assert [str(i) for i in sorted(map(FrameId.parse, ids))] == ["1.7-0", "1.7-1", "1.50-0", "2.5-0"]


def test_the_chain_tells_a_changed_byte_a_changed_id_and_a_changed_past() -> None:
    here, there = FrameId(1, 1, 0), FrameId(1, 2, 0)
    links = {
        link(NO_CHAIN, here, b"x"),
        link(NO_CHAIN, here, b"y"),
        link(NO_CHAIN, there, b"x"),
        link(b"1" * 32, here, b"x"),
    }
    assert len(links) == 4


def test_milliseconds_show_only_where_there_are_some() -> None:
    assert rfc3339(OPEN) == "2024-11-18T14:30:00Z"
    assert rfc3339(OPEN + 5) == "2024-11-18T14:30:00.005Z"
