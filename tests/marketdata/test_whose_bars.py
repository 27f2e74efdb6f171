"""Whose bars a file holds, and how long they are: several securities or widths are never read as one."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import NotBars, UnreadableFile
from marketdata.importing.days.splitting import Split, split
from marketdata.importing.days.tick_splitting import split_ticks
from marketdata.importing.tables.bar_reading import read
from marketdata.importing.tables.tick_reading import read_ticks

HEAD = "time,open,high,low,close,volume"
OPEN = dt.datetime(2025, 7, 2, 13, 30, tzinfo=dt.UTC)


def stamp(minute: int) -> str:
    return f"{OPEN + dt.timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}"


def parts(path: Path, text: str, **options: Any) -> Split:
    path.write_text(text)
    return split(read(path, FileForm(**options)))


def rows(count: int, step: int = 1, price: int = 50, before: str = "", after: str = "") -> list[str]:
    values = f"{price},{price + 1},{price - 1},{price},10"
    return [f"{before}{stamp(step * place)},{values}{after}" for place in range(count)]


def symbols(found: Split) -> list[str]:
    return sorted({day.symbol for day in found.days})


HEADS = {
    "open_price": "symbol,timestamp,open_price,high_price,low_price,close_price,volume",
    "a currency": "symbol,timestamp,Open (USD),High (USD),Low (USD),Close (USD),Volume (shares)",
    "Open Price": "symbol,timestamp,Open Price,High Price,Low Price,Close Price,Volume",
    "numbers in front": "symbol,timestamp,1a. open (USD),2a. high (USD),3a. low (USD),4a. close (USD),5. volume",
    "price_open": "symbol,timestamp,price_open,price_high,price_low,price_close,volume_traded",
}


@pytest.mark.parametrize("name", HEADS)
def test_a_word_beside_a_fields_name_is_no_symbol(tmp_path: Path, name: str) -> None:
    (day,) = parts(tmp_path / "x.csv", "\n".join([HEADS[name], *rows(5, before="AAPL,")])).days
    assert (day.symbol, day.bars.volume.tolist(), len(day.bars)) == ("AAPL", [10.0] * 5, 5)


def variants(*words: str) -> str:
    return ",".join(f"{price}_{word}" for word in words for price in ("open", "high", "low", "close"))


def test_quotes_and_adjusted_prices_beside_raw_ones_are_no_symbols(tmp_path: Path) -> None:
    values = "50,51,49,50,25,26,24,25"
    with pytest.raises(NotBars, match="holds quotes, not bars"):
        parts(tmp_path / "AAPL.csv", f"time,{variants('bid', 'ask')}\n{stamp(0)},{values}\n")
    assert read_ticks(tmp_path / "AAPL.csv", FileForm(), "quotes").rows.value("ask").tolist() == [25.0]
    with pytest.raises(UnreadableFile, match="--columns open=open_raw,high=high_raw,low=low_raw,close=close_raw"):
        parts(tmp_path / "AAPL.csv", f"time,{variants('raw', 'adj')}\n{stamp(0)},{values}\n")


def test_columns_of_a_wide_file_that_are_not_used_are_named(tmp_path: Path) -> None:
    fields = ("open", "high", "low", "close", "Adj Close", "Dividends")
    names = ",".join(f"{symbol} {field}" for symbol in ("AAPL", "IBM") for field in fields)
    path = tmp_path / "prices.csv"
    path.write_text(f"time,{names},spread,comment\n{stamp(0)},{'50,51,49,50,25,0,' * 2}1,x\n")
    table = read(path, FileForm())
    assert table.decision.unused == ("Adj Close", "Dividends", "spread", "comment")
    assert symbols(split(table)) == ["AAPL", "IBM"]


@pytest.mark.parametrize("name", ["instr", "RIC", "#RIC", "Stock", "Name", "tradingsymbol"])
def test_a_column_of_tickers_under_another_name_is_the_symbol(tmp_path: Path, name: str) -> None:
    """Of the same day, or of one day each."""
    text = "\n".join([f"{name},{HEAD}", *rows(3, before="AAPL,"), *rows(3, price=120, before="IBM,")])
    assert symbols(parts(tmp_path / "all_of_them.csv", text)) == ["AAPL", "IBM"]
    later = text.replace("IBM,2025-07-02", "IBM,2025-07-03")
    assert symbols(parts(tmp_path / "all_of_them.csv", later)) == ["AAPL", "IBM"]


MANY = {
    "numbers": (
        "conId",
        ("1", "2"),
        {},
        "pass --columns symbol=conId, or import each with --only conId=1 and --symbol",
    ),
    "names": ("Company", ("Apple Inc", "Big Blue"), {}, "--only Company=Apple Inc and --symbol"),
    "an option that merges": ("symbol", ("AAPL", "IBM"), {"symbol": "X"}, "--symbol says that all rows are of X"),
    "a column of no known name": ("what", ("x y", "z"), {}, "column what tells them apart.* --only what=z"),
}


@pytest.mark.parametrize("name", MANY)
def test_several_securities_are_not_read_as_one(tmp_path: Path, name: str) -> None:
    column, (one, two), options, message = MANY[name]
    text = "\n".join([f"{column},{HEAD}", *rows(30, before=f"{one},"), *rows(30, price=120, before=f"{two},")])
    with pytest.raises(UnreadableFile, match=message):
        parts(tmp_path / "AAPL.csv", text, **options)
    form = {**options, "only": {column: one}, "symbol": "AAPL"}
    assert symbols(parts(tmp_path / "AAPL.csv", text, **form)) == ["AAPL"]


def test_databentos_instruments_without_symbols_are_not_read_as_one(tmp_path: Path) -> None:
    head = "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume"
    lines = [f"{stamp(minute)},33,2,{one},50,51,49,50,10" for one in (7, 8) for minute in range(3)]
    for options in ({}, {"symbol": "AAPL"}):
        with pytest.raises(UnreadableFile, match="--only instrument_id=7"):
            parts(tmp_path / "AAPL.csv", "\n".join([head, *lines]), **options)


def test_minutes_that_come_twice_with_far_other_prices_are_of_several_securities(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="30 of its 30 minutes have several rows that do not say the same"):
        parts(tmp_path / "AAPL.csv", "\n".join([HEAD, *rows(30), *rows(30, price=120)]))
    corrected = "\n".join([HEAD, *rows(30), *(row.replace(",10", ",11") for row in rows(30))])
    found = parts(tmp_path / "AAPL.csv", corrected)
    assert (len(found.rejected), found.days[0].bars.volume[0]) == (30, 11.0)


def test_finnhubs_status_is_no_symbol_and_its_trades_have_one(tmp_path: Path) -> None:
    at = round(OPEN.timestamp())
    (day,) = parts(tmp_path / "AAPL.csv", f",c,h,l,o,s,t,v\n0,50,51,49,50,ok,{at},10\n").days
    assert (day.symbol, day.bars.volume.tolist()) == ("AAPL", [10.0])
    trade = {"c": ["1"], "p": 50.01, "s": "IBM", "t": at * 1000 + 123, "v": 100}
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"data": [trade], "type": "trade"}))
    table = read_ticks(path, FileForm(), "ticks")
    assert (table.symbol.tolist(), table.rows.value("size").tolist()) == (["IBM"], [100.0])


def test_a_size_that_is_no_number_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    path.write_text(f"time,price,size\n{stamp(0)},50,100\n{stamp(1)},50,many\n{stamp(2)},50,\n")
    found = split_ticks(read_ticks(path, FileForm(), "ticks"))
    assert [(row.line, row.reason) for row in found.rejected] == [(3, "a price or a size is not a number")]
    assert len(found.days[0].ticks) == 2


@pytest.mark.parametrize(("name", "symbol"), [("EURUSD1.csv", "EURUSD"), ("EURUSD_x.csv", "EURUSD")])
def test_metatrader_4_names_its_files_by_symbol_and_minutes(tmp_path: Path, name: str, symbol: str) -> None:
    row = "2025.07.02,09:30,50,51,49,50,10\n"
    assert symbols(parts(tmp_path / name, row, tz="America/New_York")) == [symbol]
    with pytest.raises(NotBars, match="its bars are of 5m"):
        parts(tmp_path / "EURUSD5.csv", row, tz="America/New_York")


def day_of(width: int, count: int) -> str:
    return "\n".join([HEAD, *rows(count, width)])


NAMED = {
    "five minutes": ("AAPL_5min.csv", day_of(5, 12)),
    "TradingView's five": ("NASDAQ_AAPL, 5.csv", day_of(5, 12)),
    "TradingView's days": ("NASDAQ_AAPL, 1D.csv", day_of(1440, 2)),
    "MetaTrader's": ("AAPL_M5_202507020930_202507021030.csv", day_of(5, 12)),
    "an hour": ("AAPL_1h.csv", day_of(60, 4)),
}


@pytest.mark.parametrize("name", NAMED)
def test_the_width_that_a_files_name_says_is_believed_where_its_rows_do_not_say_otherwise(
    tmp_path: Path, name: str
) -> None:
    file, text = NAMED[name]
    with pytest.raises(NotBars, match="only 1m is kept"):
        parts(tmp_path / file, text)
    assert len(parts(tmp_path / file, day_of(1, 12)).days[0].bars) == 12


COLUMNS = {
    "Databento's hours": ("ts_event,rtype,open,high,low,close,volume", "{t},34,50,51,49,50,10"),
    "Stooq's five": (
        "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>",
        "A,5,20250702,093{n}00,5,5,5,5,1",
    ),
    "an interval": (f"interval,{HEAD}", "5m,{t},50,51,49,50,10"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_the_width_that_a_column_says_is_believed(tmp_path: Path, name: str) -> None:
    head, row = COLUMNS[name]
    lines = [row.format(t=stamp(60 * n), n=n) for n in range(2)]
    with pytest.raises(NotBars, match=r"as column .* says: only 1m is kept"):
        parts(tmp_path / "AAPL.csv", "\n".join([head, *lines]), tz="America/New_York")


def test_of_minutes_beside_wider_bars_the_minutes_can_be_chosen(tmp_path: Path) -> None:
    both = [f"interval,{HEAD}", *rows(5, before="1m,"), *rows(1, before="5m,")]
    with pytest.raises(UnreadableFile, match="pass --only interval=1m"):
        parts(tmp_path / "AAPL.csv", "\n".join(both))
    assert len(parts(tmp_path / "AAPL.csv", "\n".join(both), only={"interval": "1m"}).days[0].bars) == 5


@pytest.mark.parametrize(
    "answer",
    [
        {"meta": {"symbol": "AAPL", "interval": "5min"}, "values": [{"datetime": stamp(0)}]},
        {"Meta Data": {"2. Symbol": "AAPL", "4. Interval": "5min"}, "Time Series (5min)": {stamp(0): {}}},
    ],
)
def test_the_width_that_an_answer_says_is_believed(tmp_path: Path, answer: dict[str, Any]) -> None:
    bar = {"open": 50, "high": 51, "low": 49, "close": 50, "volume": 10}
    held = answer.get("values") or list(answer["Time Series (5min)"].values())
    held[0].update(bar)
    with pytest.raises(NotBars, match="its bars are of 5min"):
        parts(tmp_path / "x.json", json.dumps(answer))


def test_a_day_of_wider_bars_among_minutes_is_refused(tmp_path: Path) -> None:
    wide = [row.replace("2025-07-02", "2025-07-01") for row in rows(78, 5)]
    with pytest.raises(NotBars, match="the bars of AAPL on 2025-07-01 are 5 minutes apart, and others are not"):
        parts(tmp_path / "AAPL.csv", "\n".join([HEAD, *wide, *rows(390)]))
    two = [f"symbol,{HEAD}", *rows(390, before="AAPL,"), *rows(78, 5, before="IBM,")]
    with pytest.raises(NotBars, match="the bars of IBM on"):
        parts(tmp_path / "x.csv", "\n".join(two))
    thin = [row for place, row in enumerate(rows(390)) if place * 7919 % 23 < 4]
    assert len(parts(tmp_path / "AAPL.csv", "\n".join([HEAD, *thin])).days[0].bars) == len(thin)


def test_a_few_rows_of_seconds_are_refused(tmp_path: Path) -> None:
    lines = [f"{OPEN + pd.Timedelta(seconds=second):%Y-%m-%dT%H:%M:%SZ},50,51,49,50,1" for second in range(10)]
    with pytest.raises(NotBars, match="its rows are 1 seconds apart"):
        parts(tmp_path / "AAPL.csv", "\n".join([HEAD, *lines]))
