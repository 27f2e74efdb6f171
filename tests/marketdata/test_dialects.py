"""Vendors' forms, made here in their shapes: what identifies each, and how its first and last bar are read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.days.splitting import split
from marketdata.importing.tables.bar_reading import read
from tests.marketdata.vendor_files import DAY, LAST, MINUTES, NEW_YORK, Form, epoch, local, written

FORMS = {
    "Polygon flat file": Form(
        "2024-03-14.csv",
        "ticker,volume,open,close,high,low,window_start,transactions",
        "BACpB,{v},{o},{c},{h},{l},{t},7",
        lambda m: epoch(m) * 10**9,
        {},
    ),
    "Databento OHLCV, fixed point": Form(
        "xnas-itch-raw.csv",
        "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol",
        "{t},33,2,38,{o},{h},{l},{c},{v},BACpB",
        lambda m: epoch(m) * 10**9,
        {},
        scale=1e9,
    ),
    "TradingView": Form("NASDAQ_BACpB, 1.csv", "time,open,high,low,close,Volume", "{t},{o},{h},{l},{c},{v}", epoch, {}),
    "EODHD": Form(
        "BACpB.csv",
        "Timestamp,Gmtoffset,Datetime,Open,High,Low,Close,Volume",
        "{t},0,x,{o},{h},{l},{c},{v}",
        epoch,
        {},
    ),
    "NinjaTrader, ends": Form(
        "BACpB.Last.txt", "", "{t};{o};{h};{l};{c};{v}", lambda m: local(m, "%Y%m%d %H%M%S", True), {"tz": NEW_YORK}
    ),
    "TradeStation, ends and up plus down": Form(
        "BACpB.txt",
        '"Date","Time","Open","High","Low","Close","Up","Down"',
        "{t},{o},{h},{l},{c},{v},0",
        lambda m: local(m, "%m/%d/%Y,%H:%M", True),
        {"tz": NEW_YORK, "date_order": "mdy"},
    ),
    "Kibot": Form("BACpB.txt", "", "{t},{o},{h},{l},{c},{v}", lambda m: local(m, "%m/%d/%Y,%H:%M"), {"tz": NEW_YORK}),
    "FirstRate": Form(
        "BACpB_1min.txt", "", "{t},{o},{h},{l},{c},{v}", lambda m: local(m, "%Y-%m-%d %H:%M:%S"), {"tz": NEW_YORK}
    ),
    "Sierra Chart": Form(
        "BACpB.scid_BarData.txt",
        "Date, Time, Open, High, Low, Last, Volume, NumberOfTrades, BidVolume, AskVolume",
        "{t}, {o}, {h}, {l}, {c}, {v}, 7, 1, 1",
        lambda m: local(m, "%Y/%m/%d, %H:%M:%S"),
        {"tz": NEW_YORK},
    ),
    "MetaTrader 4": Form(
        "BACpB.csv", "", "{t},{o},{h},{l},{c},{v}", lambda m: local(m, "%Y.%m.%d,%H:%M"), {"tz": NEW_YORK}
    ),
    "yfinance": Form(
        "BACpB.csv",
        "Datetime,Open,High,Low,Close,Adj Close,Volume",
        "{t},{o},{h},{l},{c},{c},{v}",
        lambda m: local(m, "%Y-%m-%d %H:%M:%S-04:00"),
        {},
    ),
    "ib_async": Form(
        "BACpB.csv",
        ",date,open,high,low,close,volume,average,barCount",
        "0,{t},{o},{h},{l},{c},{v},{c},7",
        lambda m: local(m, "%Y-%m-%d %H:%M:%S-04:00"),
        {},
    ),
    "Databento OHLCV, pretty": Form(
        "xnas-itch-pretty.csv",
        "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol",
        "{t},33,2,38,{o},{h},{l},{c},{v},BACpB",
        lambda m: local(m, "%Y-%m-%dT%H:%M:00.000000000-04:00"),
        {},
    ),
    "Alpha Vantage": Form(
        "intraday_1min_BACpB.csv",
        "timestamp,open,high,low,close,volume",
        "{t},{o},{h},{l},{c},{v}",
        lambda m: local(m, "%Y-%m-%d %H:%M:%S"),
        {"tz": NEW_YORK},
    ),
    "Twelve Data": Form(
        "BACpB.csv",
        "datetime;open;high;low;close;volume",
        "{t};{o};{h};{l};{c};{v}",
        lambda m: local(m, "%Y-%m-%d %H:%M:%S"),
        {"tz": NEW_YORK},
    ),
    "Alpaca's data frame": Form(
        "bars.csv",
        "symbol,timestamp,open,high,low,close,volume,trade_count,vwap",
        "BACpB,{t},{o},{h},{l},{c},{v},7,{c}",
        lambda m: local(m, "%Y-%m-%d %H:%M:%S-04:00"),
        {},
    ),
    "TWS, two blanks": Form(
        "BACpB.csv",
        ",date,open,high,low,close,volume,average,barCount",
        "0,{t},{o},{h},{l},{c},{v},{c},7",
        lambda m: local(m, "%Y%m%d  %H:%M:%S"),
        {"tz": NEW_YORK},
    ),
    "TWS, the zone as third word": Form(
        "BACpB.csv",
        ",date,open,high,low,close,volume,average,barCount",
        "0,{t},{o},{h},{l},{c},{v},{c},7",
        lambda m: local(m, "%Y%m%d %H:%M:%S US/Eastern"),
        {},
    ),
    "Dukascopy, Gmt time": Form(
        "BACpB.csv",
        "Gmt time,Open,High,Low,Close,Volume",
        "{t},{o},{h},{l},{c},{v}",
        lambda m: f"{dt.datetime.fromtimestamp(epoch(m), dt.UTC):%d.%m.%Y %H:%M:%S}.000",
        {},
    ),
    "Dukascopy, local time": Form(
        "BACpB.csv",
        "Local time,Open,High,Low,Close,Volume",
        "{t},{o},{h},{l},{c},{v}",
        lambda m: local(m, "%d.%m.%Y %H:%M:%S.000 GMT-0400"),
        {},
    ),
    "QuantConnect's LEAN": Form(
        "equity/usa/minute/bacpb/20240314_trade.zip",
        "",
        "{t},{o},{h},{l},{c},{v}",
        lambda m: (570 + m) * 60_000,
        {},
        scale=10_000,
    ),
    "HistData, New York's winter time": Form(
        "DAT_ASCII_BACPB_M1_202403.csv",
        "",
        "{t};{o};{h};{l};{c};{v}",
        lambda m: f"{dt.datetime.fromtimestamp(epoch(m) - 5 * 3600, dt.UTC):%Y%m%d %H%M%S}",
        {},
    ),
    "MetaTrader 5": Form(
        "BACpB_M1_202403140930_202403141559.csv",
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>",
        "{t}\t{o}\t{h}\t{l}\t{c}\t7\t{v}\t1",
        lambda m: f"{dt.datetime.fromtimestamp(epoch(m) + 3 * 3600, dt.UTC):%Y.%m.%d\t%H:%M:%S}",
        {"tz": "America/New_York+07:00"},
    ),
    "Binance, milliseconds": Form(
        "BACPB-1m-2024-03-14.csv",
        "",
        "{t},{o},{h},{l},{c},{v},{t},1,7,1,1,0",
        lambda m: epoch(m) * 1000,
        {},
    ),
    "Binance, microseconds": Form(
        "BACPB-1m-2024-03-14.csv",
        "",
        "{t},{o},{h},{l},{c},{v},{t},1,7,1,1,0",
        lambda m: epoch(m) * 10**6,
        {},
    ),
    "Stooq": Form(
        "bacpb.us.txt",
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
        "BACpB.US,1,{t},{o},{h},{l},{c},{v},0",
        lambda m: local(m, "%Y%m%d,%H%M%S"),
        {"tz": NEW_YORK},
    ),
    "ThetaData": Form(
        "BACpB.csv",
        "ms_of_day,open,high,low,close,volume,count,date",
        "{t},{o},{h},{l},{c},{v},7,20240314",
        lambda m: (570 + m) * 60_000,
        {},
    ),
}


CAPITALS = ("equity/", "DAT_", "BACPB")
"""Names of files in which a symbol's case is lost."""


COUNTS = ("transactions", "numberoftrades", "barcount", "trade_count", ",count,")


AVERAGES = ("average", "vwap")


@pytest.mark.parametrize("name", FORMS)
def test_the_first_and_the_last_bar_of_the_day_are_right(tmp_path: Path, name: str) -> None:
    form = FORMS[name]
    parts = split(read(written(tmp_path, form), FileForm(**form.options)))
    (day,) = parts.days
    symbol = "BACPB" if form.name.startswith(CAPITALS) else "BACpB"
    assert (day.symbol, day.date, parts.rejected) == (symbol, DAY.date, [])
    assert day.bars.offset.tolist() == [60 * minute for minute in MINUTES]
    assert [day.bars.open[0], day.bars.close[-1]] == [100.0, 100 + LAST / 4 + 0.25]
    assert day.bars.volume.tolist() == [1000.0 + minute for minute in MINUTES]
    has_counts = any(word in form.head.lower() for word in COUNTS) or name.startswith("Binance")
    assert np.array_equal(day.bars.trade_count, [7.0 if has_counts else np.nan] * len(MINUTES), equal_nan=True)
    closes = day.bars.close if any(word in form.head for word in AVERAGES) else [np.nan] * len(MINUTES)
    assert np.array_equal(day.bars.vwap, closes, equal_nan=True)


def test_a_day_that_is_stamped_by_its_ends_is_refused_without_a_label(tmp_path: Path) -> None:
    rows = [f"{local(m, '%Y-%m-%d %H:%M:%S', True)},1,2,1,2,5" for m in range(DAY.minutes)]
    path = tmp_path / "AAPL.csv"
    path.write_text("time,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    with pytest.raises(UnreadableFile, match="pass --label end or --label start"):
        read(path, FileForm(tz=NEW_YORK))
    (day,) = split(read(path, FileForm(tz=NEW_YORK, label="end"))).days
    assert (day.bars.offset[0], day.bars.offset[-1]) == (0, 60 * LAST)


def test_columns_that_are_not_used_are_named(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    path.write_text(f"time,open,high,low,close,volume,rsi\n{epoch(0)},1,2,1,2,5,50\n")
    assert read(path, FileForm()).decision.unused == ("rsi",)
