"""Records of the wire as dataclasses, and tables of them as DataFrames."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import polars as pl
import pytest

from tapedeck_client import Bar, Quote, Revision, Table, Trade
from tapedeck_client.frame_records import event_of, frame_of
from tapedeck_client.market_records import bar_of, quote_of, trade_of
from tapedeck_client.moments import nanoseconds
from tests.clients.wire import BAR, QUOTE, TRADE, frame


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000_000),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("1970-01-01T00:00:01.000000001Z", 1_000_000_001),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("1970-01-01T01:00:00.25+01:00", 250_000_000),
    ],
)
def test_every_digit_of_a_stamp_is_kept(text: str, ns: int) -> None:
    assert nanoseconds(text) == ns


def test_a_trade_has_its_stamp_both_ways() -> None:
    trade = trade_of(TRADE)
    assert trade.at == dt.datetime(2024, 11, 18, 14, 30, 0, 123456, tzinfo=dt.UTC)
    assert (trade.at_ns % 1_000_000_000, trade.size, trade.condition) == (123_456_789, 0.5, None)


def test_a_frame_has_its_events_in_order_and_by_kind() -> None:
    revised = {**BAR, "type": "revision", "version": 2, "open": None}
    found = frame_of(frame("1.10-0", QUOTE, TRADE, revised, BAR))
    assert [type(event) for event in found.events] == [Quote, Trade, Revision, Bar]
    assert (found.bars[0], found.revisions[0].version, found.revisions[0].open) == (bar_of(BAR), 2, None)
    assert len(found.trades) == len(found.quotes) == 1 and found.bars.clock == found.clock


def test_bars_become_a_pandas_frame() -> None:
    empty_volume = {**BAR, "volume": None, "n_present": None}
    table = Table.of(Bar, [bar_of(BAR), bar_of(empty_volume)]).to_pandas()
    assert str(table.start.dtype) == "datetime64[ns, UTC]" and table.start[0] == pd.Timestamp(BAR["start"])
    assert table.close.tolist() == [100.5, 100.5] and table.volume[0] == 1200 and pd.isna(table.volume[1])
    assert str(table.n_present.dtype) == "Int64" and table.complete.tolist() == [True, True]


def test_trades_and_quotes_keep_their_nanoseconds_in_both_kinds_of_frame() -> None:
    trades = Table.of(Trade, [trade_of(TRADE)])
    assert trades.to_pandas()["at"][0] == pd.Timestamp(TRADE["at"])
    assert trades.to_polars()["at"].dt.timestamp("ns")[0] == pd.Timestamp(TRADE["at"]).value
    quotes = Table.of(Quote, [quote_of(QUOTE)])
    assert quotes.to_polars()["ask"].to_list() == [None] and pd.isna(quotes.to_pandas().ask[0])


@pytest.mark.parametrize("kind", [Bar, Revision, Trade, Quote])
def test_a_table_without_rows_has_its_columns_and_their_types(kind: type[Bar]) -> None:
    empty = Table.of(kind, [])
    pandas_frame, polars_frame = empty.to_pandas(), empty.to_polars()
    assert list(pandas_frame.columns) == polars_frame.columns and not len(pandas_frame)
    stamp = "start" if "start" in polars_frame.columns else "at"
    assert str(pandas_frame[stamp].dtype) == "datetime64[ns, UTC]"
    assert polars_frame.schema[stamp] == pl.Datetime("ns", "UTC")


def test_bars_become_a_polars_frame() -> None:
    table = Table.of(Bar, [bar_of(BAR)]).to_polars()
    assert table["start"].dt.epoch("s").to_list() == [1731940200] and table["volume"].to_list() == [1200.0]


def test_an_event_of_an_unknown_type_keeps_what_it_says() -> None:
    assert event_of({"type": "auction", "price": 1}).data["price"] == 1  # type: ignore[union-attr]
