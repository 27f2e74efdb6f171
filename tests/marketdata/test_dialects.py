"""Vendors' forms, made here in their shapes: what identifies each, and how its first and last bar are read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import numpy as np
import pytest

from marketdata.calendar import trading_day
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.days.splitting import split
from marketdata.importing.tables.bar_reading import read
from marketdata.importing.tables.tick_reading import read_ticks

DAY = trading_day(dt.date(2024, 3, 14))
NEW_YORK = "America/New_York"
FIRST, LAST = 0, DAY.minutes - 1
MINUTES = (FIRST, *range(1, 10), LAST)


def local(minute: int, form: str, end: bool = False) -> str:
    """A minute's stamp on New York's clock."""
    at = dt.datetime(2024, 3, 14, 9, 30) + dt.timedelta(minutes=minute + end)  # noqa: DTZ001 - exchange time
    return at.strftime(form)


def epoch(minute: int) -> int:
    return round(DAY.open.timestamp()) + 60 * minute


class Form(NamedTuple):
    name: str
    head: str
    row: str
    """Of `{t}` the stamp, `{o} {h} {l} {c}` the prices, `{v}` the volume."""
    stamp: Any
    options: dict[str, Any]
    scale: float = 1


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


def written(folder: Path, form: Form) -> Path:
    """Ten minutes from the open and the last one; prices count up by a quarter."""
    rows = []
    for minute in MINUTES:
        close = 100 + minute / 4
        prices = {"o": close, "h": close + 0.5, "l": close - 0.5, "c": close + 0.25}
        shown = {n: f"{p * form.scale:.0f}" if form.scale != 1 else f"{p:g}" for n, p in prices.items()}
        rows.append(form.row.format(t=form.stamp(minute), v=1000 + minute, **shown))
    path = folder / form.name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join([*([form.head] if form.head else []), *rows]) + "\n"
    if path.suffix == ".zip":
        with ZipFile(path, "w") as archive:
            archive.writestr("20240314_bacpb_minute_trade.csv", text)
    else:
        path.write_text(text)
    return path


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


TICKS = {
    "Tardis trades": (
        "ticks",
        "exchange,symbol,timestamp,local_timestamp,id,side,price,amount",
        f"x,AAPL,{epoch(0) * 10**6 + 5},{epoch(0) * 10**6 + 9},1,buy,100.5,2.25",
        {"price": 100.5, "size": 2.25},
    ),
    "Tardis quotes": (
        "quotes",
        "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount",
        f"x,AAPL,{epoch(0) * 10**6 + 5},{epoch(0) * 10**6 + 9},3,100.5,100.25,4",
        {"bid": 100.25, "bid_size": 4, "ask": 100.5, "ask_size": 3},
    ),
    "TAQ trades": (
        "ticks",
        "DATE,TIME_M,EX,SYM_ROOT,SYM_SUFFIX,TR_SCOND,SIZE,PRICE,TR_STOP_IND,TR_CORR,TR_SEQNUM,TR_SOURCE,TR_RF",
        "20240314,9:30:00.000000005,P,AAPL,,@F,100,100.5,,00,1,C,",
        {"price": 100.5, "size": 100},
    ),
    "Databento top of book": (
        "quotes",
        "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence,"
        "bid_px_00,ask_px_00,bid_sz_00,ask_sz_00,bid_ct_00,ask_ct_00,symbol",
        f"{epoch(0) * 10**9 + 9},{epoch(0) * 10**9 + 5},1,2,38,A,B,0,100.25,4,0,0,1,100.25,100.5,4,3,1,1,AAPL",
        {"bid": 100.25, "bid_size": 4, "ask": 100.5, "ask_size": 3},
    ),
    "Polygon trades": (
        "ticks",
        "ticker,conditions,correction,exchange,id,participant_timestamp,price,sequence_number,sip_timestamp,size,tape,"
        "trf_id,trf_timestamp",
        f"AAPL,37,0,11,x,{epoch(0) * 10**9},100.5,7,{epoch(0) * 10**9 + 5},100,3,0,0",
        {"price": 100.5, "size": 100},
    ),
    "Polygon quotes": (
        "quotes",
        "ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,conditions,indicators,"
        "participant_timestamp,sequence_number,sip_timestamp,tape,trf_timestamp",
        f"AAPL,11,100.5,3,12,100.25,4,1,,{epoch(0) * 10**9},7,{epoch(0) * 10**9 + 5},3,0",
        {"bid": 100.25, "bid_size": 4, "ask": 100.5, "ask_size": 3},
    ),
    "Databento trades": (
        "ticks",
        "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence,symbol",
        f"{epoch(0) * 10**9 + 9},{epoch(0) * 10**9 + 5},0,2,38,T,B,0,100500000000,100,0,0,1,AAPL",
        {"price": 100.5, "size": 100},
    ),
    "TAQ quotes": (
        "quotes",
        "DATE,TIME_M,EX,BID,BIDSIZ,ASK,ASKSIZ,QU_COND,QU_SEQNUM,NATBBO_IND,SYM_ROOT,SYM_SUFFIX",
        "20240314,9:30:00.000000005,P,100.25,4,100.5,3,R,1,4,AAPL,",
        {"bid": 100.25, "bid_size": 4, "ask": 100.5, "ask_size": 3},
    ),
    "Kibot ticks": (
        "ticks",
        "",
        "03/14/2024,09:30:00,100.5,100.25,100.5,100",
        {"price": 100.5, "size": 100},
    ),
    "NinjaTrader ticks": (
        "ticks",
        "",
        "20240314 093000 0000000;100.5;100.25;100.5;100",
        {"price": 100.5, "size": 100},
    ),
    "MetaTrader 5 ticks": (
        "quotes",
        "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>",
        "2024.03.14\t09:30:00.000\t100.25\t100.5\t\t\t6",
        {"bid": 100.25, "ask": 100.5},
    ),
    "Dukascopy ticks": (
        "quotes",
        "Gmt time,Ask,Bid,AskVolume,BidVolume",
        "14.03.2024 13:30:00.000,100.5,100.25,3,4",
        {"bid": 100.25, "bid_size": 4, "ask": 100.5, "ask_size": 3},
    ),
    "LOBSTER messages": (
        "ticks",
        "",
        "34200.000000005,4,16113575,100,1005000,1",
        {"price": 100.5, "size": 100},
    ),
}


@pytest.mark.parametrize("name", TICKS)
def test_prices_and_sizes_of_trades_and_quotes_are_right(tmp_path: Path, name: str) -> None:
    kind, head, row, expected = TICKS[name]
    path = tmp_path / ("AAPL_2024-03-14_34200000_57600000_message_1.csv" if "LOBSTER" in name else "AAPL_x.csv")
    path.write_text("\n".join([*([head] if head else []), row]) + "\n")
    options = {"tz": NEW_YORK} if name.split()[0] in ("TAQ", "Kibot", "NinjaTrader", "MetaTrader") else {}
    table = read_ticks(path, FileForm(**options), kind)
    assert {column: table.rows.value(column)[0] for column in expected} == expected
    assert abs(int(table.rows.at[0]) - epoch(0) * 10**9) <= 5000 and table.symbol.tolist() == ["AAPL"]
