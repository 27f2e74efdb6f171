"""JSON from columns is, to the byte, the JSON of the dicts that Python readers get."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketdata.hours import DAY_PARTS
from marketdata.kinds import DayKind
from streaming.engine.frames.bar_blocks import FEW, BarBlock
from streaming.engine.frames.frame import Frame
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.frames.layout import RECORDS
from streaming.engine.frames.tick_blocks import TickBlock
from streaming.reading import frame_json
from streaming.reading.selection import Selection

OPEN = 1_731_940_200_000
SYMBOLS = ("A%b", "BRK.B", "C$T", "NA", "TRUE", *(f"S{k:02d}" for k in range(2 * FEW)))
NAN = float("nan")
EXTRAS: list[dict[str, Any]] = [
    {"type": "day_open", "date": "2024-11-18"},
    {"type": "revision", "symbol": "NA", "interval": "1m"},
    {"type": "revision", "symbol": "NA", "interval": "5m"},
    {"type": "day_close", "date": "2024-11-18"},
]

prices = st.floats(min_value=1e-4, max_value=1e6)
counts = st.one_of(st.integers(0, 10**9).map(float), st.just(0.0))
columns_of = {
    "whole": lambda n: st.lists(counts, min_size=n, max_size=n),
    "fractional": lambda n: st.lists(prices, min_size=n, max_size=n),
    "absent": lambda n: st.just([NAN] * n),
    "partly absent": lambda n: st.lists(st.one_of(counts, st.just(NAN)), min_size=n, max_size=n),
    "huge": lambda n: st.just([1e18] * n),
}


@st.composite
def blocks(draw: st.DrawFn) -> BarBlock:
    first, n = draw(st.integers(0, 6)), draw(st.integers(1, len(SYMBOLS) - 6))
    rows = [draw(columns_of["fractional"](n)) for _ in range(4)]
    rows += [draw(columns_of[draw(st.sampled_from(sorted(columns_of)))](n)) for _ in range(3)]
    table = np.zeros((n, 8))
    table[:, :7] = np.array(rows).T
    expected = draw(st.sampled_from([1, 5]))
    present = np.full(n, expected, np.uint16)
    if draw(st.booleans()):
        present[draw(st.integers(0, n - 1))] -= 1
    part, synthetic = draw(st.sampled_from(DAY_PARTS)), draw(st.booleans())
    symbols = SYMBOLS[first : first + n]
    return BarBlock(
        expected, OPEN, OPEN + 60_000 * expected, expected, synthetic, symbols, table[:, :7].T, present, part
    )


def a_trade() -> TickBlock:
    return TickBlock(DayKind.TRADES, False, ("NA",), np.zeros(1, RECORDS[DayKind.TRADES]), ("",), DAY_PARTS[1])


selections = st.sampled_from(
    [
        Selection.of(),
        Selection.of(["NA", "A%b"]),
        Selection.of(None, ["1m"]),
        Selection.of(SYMBOLS, ["5m"]),
        Selection.of(["NONE"], ["1m"]),
        Selection.of(None, types=["ticks"]),
    ]
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(blocks(), max_size=2), st.booleans(), st.booleans(), selections)
def test_json_from_columns_is_that_of_the_dicts(
    bars: list[BarBlock], extras: bool, traded: bool, selection: Selection
) -> None:
    frame = Frame(FrameId(1, OPEN + 300_000, 0), None, "ab" * 32, EXTRAS if extras else [], bars)
    if traded:
        frame.ticks.append(a_trade())
    assert selection.json(frame) == orjson.dumps(selection.wire(frame))


def test_whole_blocks_do_not_go_through_dicts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is for: a block of many bars, volumes whole, trade counts absent, as most files have them."""
    n = 2 * FEW
    table = np.full((n, 8), 10.25)
    table[:, 4], table[:, 5:7] = 300, NAN
    block = BarBlock(1, OPEN, OPEN + 60_000, 1, False, SYMBOLS[:n], table[:, :7].T, np.ones(n, np.uint16))
    frame = Frame(FrameId(1, OPEN + 60_000, 0), None, "ab" * 32, [], [block])
    whole = orjson.dumps(frame.wire())
    monkeypatch.setattr(BarBlock, "events", lambda *_: pytest.fail("made dicts"))
    assert frame_json.frame_json(frame, frame_json.everything) == whole
