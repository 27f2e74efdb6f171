"""What a frame becomes on its way to sockets."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgpack
import numpy as np
import orjson
import pytest

from gateway.data.conditions import of_trade
from gateway.sockets.channels import Channels, parse
from gateway.sockets.frame_messages import MOST_ITEMS, Outgoing
from gateway.wire.codecs import JSON, MSGPACK
from marketdata.columns import TickColumns
from marketdata.kinds import KINDS, DayKind
from streaming.engine.frames.bar_blocks import BarBlock
from streaming.engine.frames.frame import Frame
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.frames.tick_blocks import TickBlock

OPEN = int(dt.datetime(2024, 11, 18, 14, 30, tzinfo=dt.UTC).timestamp())
NAN = float("nan")


def frame_of(symbols: tuple[str, ...], extras: Any = (), ticks: Any = ()) -> Frame:
    """Each symbol's first minute; the source has neither trade counts nor vwap."""
    row = [[100.5], [101.0], [99.0], [100.0], [1200.0], [NAN], [NAN]]
    columns = np.repeat(np.array(row), len(symbols), axis=1)
    blocks = [
        BarBlock(1, OPEN * 1000, OPEN * 1000 + 60_000, 1, False, symbols, columns, np.ones(len(symbols), np.uint16))
    ]
    place = FrameId(1, OPEN * 1000 + 60_000, 0)
    return Frame(place, None, "", list(extras), blocks if symbols else [], 0, list(ticks))


def ticks_of(kind: str, *rows: tuple[int, list[float]], words: list[str]) -> TickBlock:
    """Rows of AAPL: milliseconds after the open, and values; all with the same words."""
    at = np.array([ms * 1_000_000 for ms, _ in rows], np.int64)
    values = np.array([values for _, values in rows]).T.reshape(len(KINDS[kind].values), len(rows))
    codes = np.repeat(np.arange(1, len(KINDS[kind].codes) + 1, dtype=np.int32)[:, None], len(rows), axis=1)
    columns = TickColumns(kind, at, values, codes, np.zeros(len(rows), np.uint8), ("", *words))
    return TickBlock.of([("AAPL", columns)], OPEN * 1_000_000_000, False)


def sent(frame: Frame, **wanted: list[str]) -> list[dict[str, Any]]:
    messages = Outgoing(frame, None).messages(JSON, Channels().adding(parse(wanted)))
    return [item for message in messages for item in orjson.loads(message["text"])]


def test_a_bar_has_the_type_first_whole_counts_and_numbers_where_the_source_has_none() -> None:
    (bar,) = sent(frame_of(("AAPL", "MSFT")), bars=["AAPL"])
    assert next(iter(bar)) == "T"
    assert bar == {
        **{"T": "b", "S": "AAPL", "o": 100.5, "h": 101.0, "l": 99.0, "c": 100.0},
        **{"v": 1200, "n": 0, "vw": 100.0, "t": "2024-11-18T14:30:00Z"},
    }
    (message,) = Outgoing(frame_of(("AAPL",)), None).messages(MSGPACK, Channels().adding(parse({"bars": ["*"]})))
    (bar,) = msgpack.unpackb(message["bytes"])
    assert bar["t"] == msgpack.Timestamp(OPEN, 0)
    assert (type(bar["v"]), type(bar["n"])) == (int, int)


def test_a_star_and_a_name_send_each_bar_once() -> None:
    assert [bar["S"] for bar in sent(frame_of(("AAPL", "MSFT")), bars=["*", "AAPL"])] == ["AAPL", "MSFT"]
    assert sent(frame_of(("AAPL", "MSFT")), trades=["*"]) == []


def test_sockets_that_want_the_same_get_the_same_bytes() -> None:
    outgoing = Outgoing(frame_of(tuple(f"S{n}" for n in range(1200))), None)
    everything = Channels().adding(parse({"bars": ["*"]}))
    first, again = (outgoing.messages(MSGPACK, everything) for _ in range(2))
    assert [len(msgpack.unpackb(m["bytes"])) for m in first] == [MOST_ITEMS, MOST_ITEMS, 200]
    assert outgoing.encoded.keys() == {("msgpack", "bars")}, "each bar is encoded once for a codec"
    assert first == again


def test_trades_and_quotes_come_by_their_stamps_with_quotes_first_and_before_the_bars() -> None:
    trades = ticks_of(DayKind.TRADES, (10, [100.0, 50]), (20, [100.05, NAN]), words=["N", "@F"])
    quotes = [((OPEN * 1000 + ms) * 1_000_000, "AAPL", {"T": "q", "S": "AAPL"}) for ms in (10, 30)]
    wanted = Channels().adding(parse({"trades": ["AAPL"], "quotes": ["AAPL"], "bars": ["AAPL"]}))
    messages = Outgoing(frame_of(("AAPL",), ticks=[trades]), None, quotes=quotes).messages(JSON, wanted)
    got = [item for message in messages for item in orjson.loads(message["text"])]
    assert [(item["T"], item["t"]) for item in got] == [
        ("q", "2024-11-18T14:30:00.01Z"),
        ("t", "2024-11-18T14:30:00.01Z"),
        ("t", "2024-11-18T14:30:00.02Z"),
        ("q", "2024-11-18T14:30:00.03Z"),
        ("b", "2024-11-18T14:30:00Z"),
    ]
    assert (got[1]["x"], got[1]["p"], got[1]["s"], got[1]["c"]) == ("N", 100.0, 50, ["@", "F"])
    assert got[2]["s"] == 0


def test_trades_of_one_instant_have_ids_of_their_own_that_javascript_keeps_apart() -> None:
    rows = [(10, [100.0, 50.0]), (10, [100.0, 50.0]), (10, [100.0, 50.0]), (11, [100.0, 50.0])]
    ids = [
        item["i"] for item in sent(frame_of((), ticks=[ticks_of(DayKind.TRADES, *rows, words=["N", ""])]), trades=["*"])
    ]
    assert ids == sorted(set(ids)) and ids[-1] < 2**53


@pytest.mark.parametrize(
    ("word", "letters"),
    [
        *(("", []), ("@", ["@"]), ("@F", ["@", "F"]), ("@,T I", ["@", "T", "I"]), ("synthetic", ["synthetic"])),
        *(("1", ["@"]), ("20000001", ["@"]), ("80000000", ["I"]), ("20100200", ["4", "B"]), ("20", ["@"])),
    ],
)
def test_conditions_are_the_tapes_letters(word: str, letters: list[str]) -> None:
    assert of_trade(word) == letters


def test_a_revision_goes_out_as_an_updated_bar() -> None:
    values = {"open": 1.0, "high": 2.0, "low": 1.0, "close": 1.5, "volume": 10, "trade_count": None, "vwap": None}
    payload = {"type": "revision", "symbol": "AAPL", "interval": "1m", "start": "2024-11-18T14:30:00Z", **values}
    (bar,) = sent(frame_of((), extras=[payload, {**payload, "interval": "5m"}]), updatedBars=["AAPL"])
    assert (bar["T"], bar["c"], bar["v"], bar["n"], bar["vw"]) == ("u", 1.5, 10, 0, 1.5)
