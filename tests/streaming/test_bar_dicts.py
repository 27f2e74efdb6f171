"""Bars of a stretch as dicts are, one for one, the bars that its frames have as events."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata.columns.bar_columns import BAR_VALUES
from marketdata.errors import BadInterval
from sessions import control
from streaming.engine.frames.bar_blocks import FEW, wire_columns, wire_values
from streaming.engine.frames.layout import BLOCK, HEAD, PART_SHIFT, SYNTHETIC, WORD
from streaming.engine.frames.stretch import Stretch
from streaming.engine.playing.player import Player
from streaming.reading import bar_dicts as dicts
from streaming.reading.bar_dicts import bar_dicts
from streaming.starts import service
from streaming.starts.request import StartRequest
from streaming.stream_bars import stream_bars
from tests.streaming.paper import Paper
from tests.streaming.playing import await_clock, wait_until
from tests.streaming.test_stretches import play

pytestmark = pytest.mark.django_db(transaction=True)
NAN = float("nan")
DAY = dt.date(2016, 4, 20)
OPEN = dt.datetime(2016, 4, 20, 13, 30, tzinfo=dt.UTC)
Bars = list[dict[str, Any]]


@pytest.fixture
def paper(transactional_db: None) -> Paper:
    return Paper("AAPL", "MSFT")


def found(stretch: Stretch, interval: str, symbols: Collection[str]) -> Bars:
    return [bar for bars in bar_dicts(stretch, interval, symbols) for bar in bars]


def events(stretch: Stretch, interval: str, symbols: Collection[str]) -> Bars:
    return [
        bar for frame in stretch.frames for bar in frame.wire(symbols, [interval])["events"] if bar["type"] == "bar"
    ]


def of_all_kinds(stretch: Stretch) -> Stretch:
    """Every third frame's bars before the open, every fifth's made up, some without a volume or of part of a minute."""
    body = np.frombuffer(stretch.body, np.uint8).copy()
    begins = [0, *stretch.ends[:-1]]
    for number, begin in enumerate(begins):
        head = body[begin : begin + HEAD.itemsize].view(HEAD)[0]
        if not head["blocks"]:  # the open's
            continue
        at = begin + HEAD.itemsize + int(head["extras"])
        block = body[at : at + BLOCK.itemsize].view(BLOCK)
        block["flags"] = (number % 3 == 0) << PART_SHIFT | SYNTHETIC * (number % 5 == 0)
        rows = at + BLOCK.itemsize + -(-int(block["names"][0]) // WORD) * WORD
        values = body[rows : rows + 8 * WORD].view(np.float64)
        if number % 4 == 0:
            values[4], values[6] = 0.5, NAN
        if number % 7 == 0:
            body[rows + 7 * WORD : rows + 7 * WORD + 2] = 0
    return Stretch(stretch.generation, stretch.ms, stretch.ends, body.tobytes(), stretch.chains)


@pytest.mark.parametrize("at_once", [1, 7, 512])
@pytest.mark.parametrize("symbols", [("AAPL", "MSFT"), ("MSFT",), ("AAPL", "IBM"), ("IBM",)])
@pytest.mark.parametrize("interval", ["1m", "5m", "1h"])
def test_they_are_the_frames_events(
    paper: Paper, monkeypatch: pytest.MonkeyPatch, interval: str, symbols: tuple[str, ...], at_once: int
) -> None:
    monkeypatch.setattr(dicts, "ROWS_AT_ONCE", at_once)
    stretch = play(paper, 90)
    for each in (stretch, of_all_kinds(stretch)):
        assert found(each, interval, symbols) == events(each, interval, symbols)
    assert bool(found(stretch, interval, symbols)) == (symbols != ("IBM",) and interval != "1h")
    kinds = {(bar.get("hours"), bar["synthetic"]) for bar in found(of_all_kinds(stretch), "1m", ("AAPL",))}
    assert kinds == {(None, False), (None, True), ("pre", False), ("pre", True)}


numbers = st.one_of(st.floats(0, 1e9), st.integers(0, 10**9).map(float), st.just(NAN), st.just(1e18))


@given(st.integers(1, 2 * FEW).flatmap(lambda n: st.tuples(*[st.lists(numbers, min_size=n, max_size=n)] * 7)))
def test_columns_become_what_each_bars_values_become(columns: tuple[list[float], ...]) -> None:
    rows = [dict(zip(BAR_VALUES, row, strict=True)) for row in zip(*wire_columns(np.array(columns)), strict=True)]
    alone = [wire_values(list(row)) for row in zip(*columns, strict=True)]
    assert rows == alone
    assert [list(map(type, row.values())) for row in rows] == [list(map(type, row.values())) for row in alone]


def test_a_reader_of_a_session_that_is_moved_gets_nothing_more_of_what_it_played(
    player: Player, sample_days: str
) -> None:
    """Frames of a stretch that it holds already are none of the session's any more."""
    session = service.start(StartRequest(("AAPL",), DAY, DAY, dataset=sample_days, speed=0.0, paused=True)).session
    control.step(session.pk, 120)
    await_clock(session, OPEN + dt.timedelta(minutes=120))

    def back() -> None:
        control.seek(session.pk, OPEN + dt.timedelta(minutes=60))
        wait_until(session, lambda row: row.run.generation == 2)
        time.sleep(1.5)  # as long as a reader may need to see it
        control.resume(session.pk)

    async def read() -> list[str]:
        starts: list[str] = []
        async for bar in stream_bars(session, ["AAPL"]):
            starts.append(bar["start"])
            if len(starts) == 5:
                await asyncio.to_thread(back)
                await asyncio.sleep(0)
        return starts

    starts = asyncio.run(asyncio.wait_for(read(), 60))
    minutes = [f"{OPEN + dt.timedelta(minutes=minute):%Y-%m-%dT%H:%M:00Z}" for minute in (*range(5), *range(60, 390))]
    assert starts == minutes


def test_an_interval_that_is_none_is_refused(paper: Paper) -> None:
    async def first() -> None:
        await anext(aiter(stream_bars(paper.session, ["AAPL"], "quickly")))

    with pytest.raises(BadInterval, match="quickly"):
        asyncio.run(first())
