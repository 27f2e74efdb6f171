"""Rows of many frames as one table: the very rows that the events have."""

from __future__ import annotations

import asyncio
import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.kinds import DayKind
from streaming.engine.frames.frame_id import FrameId, rfc3339
from streaming.engine.frames.stretch import Stretch
from streaming.reading.batches import Batch, batch_of
from streaming.reading.block_words import words_of
from streaming.stream_batches import stream_batches
from tests.streaming.paper import Paper
from tests.streaming.test_stretches import play
from tests.streaming.test_tick_tape import MS, a_chunk_cursor, a_tape


def a_stretch() -> Stretch:
    """Trades of two symbols, quotes of one, over some steps."""
    trades = a_chunk_cursor("A", DayKind.TRADES, [1, 5 * MS, 150 * MS, 160 * MS, 61_000 * MS], rows_a_chunk=50)
    others = a_chunk_cursor("B", DayKind.TRADES, [6 * MS, 61_000 * MS, 61_050 * MS], rows_a_chunk=50)
    quotes = a_chunk_cursor("B", DayKind.QUOTES, [7 * MS, 152 * MS], rows_a_chunk=50)
    laid = a_tape(trades, others, quotes).lay(0, 20, None, {"A", "B"})
    return Stretch.chained(1, laid.ms, laid.ends, laid.body, bytes(32))


@pytest.mark.parametrize(("kind", "event"), [(DayKind.TRADES, "trade"), (DayKind.QUOTES, "quote")])
def test_trades_and_quotes_are_those_of_the_events(kind: DayKind, event: str) -> None:
    stretch = a_stretch()
    batch = batch_of(stretch, kind)
    events = [
        (frame.id.ms, each["symbol"], each["exchange" if event == "trade" else "bid_exchange"])
        for frame in stretch.frames
        for each in frame.wire()["events"]
        if each["type"] == event
    ]
    columns = batch.columns()
    words = columns["exchange" if event == "trade" else "bid_exchange"]
    rows = zip(batch.known.tolist(), columns["symbol"].tolist(), [word or None for word in words], strict=True)
    assert list(rows) == events
    assert batch.cursor == stretch.id


def test_a_selection_of_symbols_has_their_rows_alone() -> None:
    batch = batch_of(a_stretch(), DayKind.TRADES, {"B"})
    assert set(batch.columns()["symbol"]) == {"B"} and len(batch) == 3
    assert len(batch_of(a_stretch(), DayKind.TRADES, {"C"})) == 0
    assert len(batch_of(a_stretch(), "5m")) == 0


@pytest.mark.django_db(transaction=True)
def test_bars_as_batches_are_the_bars(transactional_db: None) -> None:
    paper = Paper("AAPL", "MSFT")
    stretch = play(paper, 30)
    bars = [event for frame in stretch.frames for event in frame.wire()["events"] if event["type"] == "bar"]
    batch = batch_of(stretch, "1m")
    table = batch.pandas()
    assert list(table.symbol) == [bar["symbol"] for bar in bars if bar["interval"] == "1m"]
    assert list(table.close) == [bar["close"] for bar in bars if bar["interval"] == "1m"]
    assert [rfc3339(ms) for ms in batch.known.tolist()] == [bar["end"] for bar in bars if bar["interval"] == "1m"]
    assert batch.arrow().num_rows == len(table) == 58
    fives = batch_of(stretch, "5m").columns()
    assert fives["n_present"].tolist() == [bar["n_present"] for bar in bars if bar["interval"] == "5m"]


@pytest.mark.django_db(transaction=True)
def test_a_session_as_batches_goes_on_from_a_cursor_in_the_midst_of_a_stretch(transactional_db: None) -> None:
    paper = Paper("AAPL", "MSFT")
    stretch = play(paper, 30)
    whole = list(stretch.packed())
    paper.complete()

    async def batches(after: FrameId | None) -> list[Batch]:
        return [batch async for batch in stream_batches(paper.session, ["AAPL"], after=after and str(after))]

    everything, rest = asyncio.run(batches(None)), asyncio.run(batches(whole[10].id))
    assert sum(map(len, everything)) == 390
    assert sum(map(len, rest)) == 380
    known = np.concatenate([batch.known for batch in rest])
    assert known[0] == whole[11].id.ms and (np.diff(known) == 60_000).all()
    assert dt.timedelta(milliseconds=int(known[-1] - known[0])) == dt.timedelta(minutes=379)


WORDS = st.lists(st.text("ABab/. é1", max_size=20), min_size=1, max_size=8, unique=True)


@given(st.lists(WORDS, max_size=6))
def test_words_of_many_texts_are_numbered_as_they_ascend(lists: list[list[str]]) -> None:
    words, numbers, sizes = words_of(["\n".join(each).encode() for each in lists])
    assert list(words) == sorted({word for each in lists for word in each}, key=str.encode)
    assert [words[number] for number in numbers.tolist()] == [word for each in lists for word in each]
    assert sizes.tolist() == [len(each) for each in lists]
