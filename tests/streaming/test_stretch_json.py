"""The text of many frames is, to the byte, the JSON of the dicts that Python readers get."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketdata.hours import DAY_PARTS
from marketdata.kinds import KINDS, DayKind
from streaming.engine.frames.bar_blocks import BarBlock
from streaming.engine.frames.frame import Frame
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.frames.laying_out import Blocks, Heads, Texts, lay_out
from streaming.engine.frames.layout import PART_SHIFT, RECORDS, WORD
from streaming.engine.frames.stretch import Stretch
from streaming.reading import stretch_json
from streaming.reading.hub import SharedRuns
from streaming.reading.selection import Selection
from streaming.reading.stretch_json import EVENTS, LINES, Run, runs

OPEN, MINUTE_MS = 1_731_940_200_000, 60_000
SYMBOLS = ("A%b", "BRK.B", "C$T", 'Q"T', "NA", "TRUE", *(f"S{k:02d}" for k in range(20)))
NAN = float("nan")
EXTRAS: list[list[dict[str, Any]]] = [
    [{"type": "day_open", "date": "2024-11-18"}],
    [{"type": "revision", "symbol": "NA", "interval": "1m"}, {"type": "revision", "symbol": "NA", "interval": "5m"}],
    [{"type": "day_close", "date": "2024-11-18"}],
    [{"type": "day_open", "date": "2024-11-18"}, {"type": "day_close", "date": "2024-11-18"}],
]
prices = st.floats(min_value=1e-4, max_value=1e6)
counts = st.one_of(st.integers(0, 10**9).map(float), st.just(0.0))
columns_of = {
    "whole": counts,
    "fractional": prices,
    "absent": st.just(NAN),
    "partly absent": st.one_of(counts, st.just(NAN)),
    "partly whole": st.one_of(counts, prices),
    "huge": st.just(1e18),
}


@st.composite
def bars(draw: st.DrawFn, width: int, frames: int) -> Blocks:
    """A block in each of some frames, of some symbols."""
    frame = draw(st.lists(st.integers(0, frames - 1), min_size=1, max_size=frames, unique=True).map(sorted))
    texts, numbers, rows = Texts(), [], []
    for _ in frame:
        names = draw(st.lists(st.sampled_from(SYMBOLS), min_size=1, max_size=6, unique=True).map(sorted))
        numbers.append(texts.number("\n".join(names).encode()))
        rows.append(len(names))
    records = np.zeros(n := sum(rows), RECORDS[DayKind.BARS])
    kinds = [*(["fractional"] * 4), *(draw(st.sampled_from(sorted(columns_of))) for _ in range(3))]
    for place, kind in enumerate(kinds):
        records["values"][:, place] = draw(st.lists(columns_of[kind], min_size=n, max_size=n))
    records["n_present"] = draw(st.lists(st.integers(max(1, width - 1), width), min_size=n, max_size=n))
    flags = draw(
        st.lists(st.integers(0, len(DAY_PARTS) * (1 << PART_SHIFT) - 1), min_size=len(frame), max_size=len(frame))
    )
    at = OPEN + MINUTE_MS * np.array(frame, np.int64) + draw(st.sampled_from([0, 250]))
    number = KINDS[DayKind.BARS].frame_number
    words = records.view(np.int64).reshape(n, -1)
    of_block = (np.array(frame), np.array(rows), words, np.array(flags), np.array(numbers), texts)
    return Blocks(
        number, *of_block, width=width, start=at - width * MINUTE_MS, end=at, expected=np.full(len(frame), width)
    )


def a_trade(frame: int) -> Blocks:
    texts, record = Texts(), np.zeros(1, RECORDS[DayKind.TRADES])
    number = texts.number(b"NA", b"")
    words = record.view(np.int64).reshape(1, -1)
    one = np.ones(1, np.int64)
    return Blocks(KINDS[DayKind.TRADES].frame_number, one * frame, one, words, one * 0, one * number, texts)


@st.composite
def stretches(draw: st.DrawFn, *, traded: bool = False) -> Stretch:
    frames = draw(st.integers(1, 8))
    extras = draw(st.dictionaries(st.integers(0, frames - 1), st.sampled_from(EXTRAS), max_size=3))
    ms = OPEN + MINUTE_MS * np.arange(frames)
    heads = Heads(
        ms, np.array(draw(st.lists(st.integers(0, 2), min_size=frames, max_size=frames)), np.uint8), None, extras
    )
    groups = [
        draw(bars(width, frames)) for width in draw(st.lists(st.sampled_from([1, 5, 30]), unique=True).map(sorted))
    ]
    body, ends = lay_out(heads, [a_trade(frames - 1), *groups] if traded else groups)
    return Stretch.chained(3, ms.tolist(), ends.tolist(), body, bytes(32))


selections = st.sampled_from(
    [
        Selection.of(),
        Selection.of(["NA", "A%b"]),
        Selection.of(None, ["1m"]),
        Selection.of(SYMBOLS, ["5m"]),
        Selection.of(["NONE"], ["1m"]),
        Selection.of(["S01"], ["30m", "1m"]),
        Selection.of(None, types=["ticks"]),
    ]
)


def assert_runs_have_all(stretch: Stretch, selection: Selection, rows_at_once: int) -> None:
    wanted = [frame for frame in stretch.frames if selection.touches(frame)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stretch_json, "ROWS_AT_ONCE", rows_at_once)
        lines, events = (list(runs(stretch, selection, form)) for form in (LINES, EVENTS))
    found = [line for run in lines if isinstance(run, Run) for line in run.lines]
    assert found == [selection.json(frame).decode() for frame in wanted]
    sent = b"".join(run.text for run in events if isinstance(run, Run))
    assert sent == b"".join(
        b"id: %b\ndata: %b\n\n" % (str(frame.id).encode(), selection.json(frame)) for frame in wanted
    )
    assert [run.id for run in lines] == sorted({run.id for run in lines}), "each is later than the one before"
    assert lines[-1].id == stretch.id
    assert not any(selection.touches(one) for one in lines if isinstance(one, Frame))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(stretches(), selections, st.sampled_from([1, 3, 2048]))
def test_the_text_of_many_frames_is_that_of_their_dicts(stretch: Stretch, selection: Selection, rows: int) -> None:
    assert_runs_have_all(stretch, selection, rows)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=10)
@given(stretches(traded=True), selections)
def test_frames_with_trades_come_one_by_one(stretch: Stretch, selection: Selection) -> None:
    assert list(runs(stretch, selection, LINES)) == stretch.frames


def test_neither_frames_nor_dicts_are_made_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is for: volumes whole, trade counts absent, as most files have them."""
    records = np.zeros(40, RECORDS[DayKind.BARS])
    records["values"], records["n_present"] = 10.25, 1
    records["values"][:, 4], records["values"][:, 5:] = 300, NAN
    texts = Texts()
    at, n = OPEN + MINUTE_MS * np.arange(20), np.full(20, 2)
    number = np.full(20, texts.number(b"AAPL\nMSFT"))
    words = records.view(np.int64).reshape(40, -1)
    of_block = (np.arange(20), n, words, n * 0, number, texts)
    group = Blocks(KINDS[DayKind.BARS].frame_number, *of_block, width=1, start=at - MINUTE_MS, end=at, expected=n // 2)
    body, ends = lay_out(Heads(at, np.zeros(20, np.uint8), None), [group])
    assert len(body) % WORD == 0
    stretch = Stretch.chained(1, at.tolist(), ends.tolist(), body, bytes(32))
    wanted = [orjson.dumps(frame.wire()).decode() for frame in stretch.cut(0, 20).frames]
    monkeypatch.setattr(BarBlock, "events", lambda *_: pytest.fail("made dicts"))
    monkeypatch.setattr(Stretch, "frames", property(lambda _: pytest.fail("made frames")))
    (run,) = runs(stretch, Selection.of(), LINES)
    assert isinstance(run, Run) and run.lines == wanted


def test_what_is_shared_is_made_once_and_fails_for_everybody() -> None:
    frames = [Frame(FrameId(1, ms, 0), None, "", [], []) for ms in (1, 2)]
    shared = SharedRuns(iter(frames), 1)
    assert list(shared) == frames and list(shared) == frames

    def broken() -> Iterator[Frame]:
        yield frames[0]
        raise ValueError("no frame")

    shared = SharedRuns(broken(), 1)
    for _ in range(2):
        reading = iter(shared)
        assert next(reading) is frames[0]
        with pytest.raises(ValueError, match="no frame"):
            next(reading)
