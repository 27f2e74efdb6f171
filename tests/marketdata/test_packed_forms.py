"""The same minutes in every container, encoding and answer that is read: equal to those of the plain table."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import zstandard

from marketdata.columns import BarColumns
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.days.read_file import ReadFile, read_file
from marketdata.importing.files.finding import find_files
from marketdata.importing.files.scid import HEAD_BYTES, RECORD
from marketdata.kinds import DayKind

pytestmark = pytest.mark.django_db
OPEN = dt.datetime(2024, 3, 14, 9, 30, tzinfo=ZoneInfo("America/New_York"))
MINUTES = [*range(11), 389]
HEAD = "time,open,high,low,close,volume"


def stamp(minute: int) -> int:
    return round(OPEN.timestamp()) + 60 * minute


def bar(minute: int) -> tuple[float, float, float, float, int]:
    opened = 100 + minute / 4
    return opened, opened + 0.5, opened - 0.5, opened + 0.25, 1000 + minute * 37 % 400


def clock(minute: int) -> str:
    return (OPEN + dt.timedelta(minutes=minute)).strftime("%Y-%m-%d %H:%M:%S")


def rows() -> list[dict[str, Any]]:
    """As vendors' answers have them."""
    names = ("open", "high", "low", "close", "volume")
    return [{"t": stamp(minute) * 1000, **dict(zip(names, bar(minute), strict=True))} for minute in MINUTES]


TABLE = "\n".join([HEAD, *(f"{stamp(minute)},{','.join(map(str, bar(minute)))}" for minute in MINUTES)]) + "\n"
BYTES, LINES = TABLE.encode(), TABLE.splitlines()


def lines() -> bytes:
    return b"\n".join(json.dumps(row).encode() for row in rows())


def answer(**around: Any) -> bytes:
    return json.dumps(around).encode()


def by_stamp(price: Callable[[float], Any] = str) -> dict[str, dict[str, Any]]:
    """Alpha Vantage's: newest first."""
    names = ("1. open", "2. high", "3. low", "4. close", "5. volume")
    return {clock(m): dict(zip(names, map(price, bar(m)), strict=True)) for m in reversed(MINUTES)}


def columns() -> dict[str, Any]:
    """Finnhub's."""
    cells = list(zip(*map(bar, MINUTES), strict=True))
    return {"s": "ok", "t": [stamp(m) for m in MINUTES], **dict(zip("ohlcv", cells, strict=True))}


def scid() -> bytes:
    records = np.zeros(len(MINUTES), RECORD)
    for row, minute in enumerate(MINUTES):
        since = OPEN + dt.timedelta(minutes=minute) - dt.datetime(1899, 12, 30, tzinfo=dt.UTC)
        opened, high, low, closed, volume = bar(minute)
        records[row] = (since // dt.timedelta(microseconds=1), opened, high, low, closed, 9, volume, 1, 1)
    return b"SCID".ljust(HEAD_BYTES, b"\0") + records.tobytes()


FORMS: dict[str, bytes] = {
    "IBM.csv": BYTES,
    "IBM.csv.gz": gzip.compress(BYTES),
    "IBM.csv.bz2": bz2.compress(BYTES),
    "IBM.csv.xz": lzma.compress(BYTES),
    "IBM.csv.zst": zstandard.compress(BYTES),
    "UTF-16 with a mark/IBM.csv": TABLE.encode("utf-16"),
    "UTF-16, big end first/IBM.csv": b"\xfe\xff" + TABLE.encode("utf-16-be"),
    "UTF-16 without a mark/IBM.txt": TABLE.encode("utf-16-le"),
    "UTF-8 with a mark/IBM.csv": b"\xef\xbb\xbf" + BYTES,
    "CR/IBM.csv": BYTES.replace(b"\n", b"\r"),
    "CR LF/IBM.tsv": BYTES.replace(b",", b"\t").replace(b"\n", b"\r\n"),
    "Latin-1/IBM.csv": TABLE.replace("volume", "volume,in \xa3", 1).replace("\n1", ",\n1").rstrip().encode("latin-1")
    + b",\n",
    "semicolons and decimal commas/IBM.csv": BYTES.replace(b",", b";").replace(b".", b","),
    "a line each/IBM.jsonl": lines(),
    "a line each/IBM.ndjson.gz": gzip.compress(lines()),
    "a list/IBM.json": json.dumps(rows()).encode(),
    "Polygon/x.json": answer(ticker="IBM", adjusted=False, results=rows()),
    "Alpaca, many/x.json": answer(bars={"IBM": [{"S": "IBM", **row} for row in rows()]}, next_page_token=None),
    "Schwab/x.json": answer(
        candles=[{**row, "datetime": row["t"]} for row in rows()], symbol="IBM", empty=False, previousClose=99.5
    ),
    "Alpha Vantage/x.json": json.dumps(
        {
            "Meta Data": {"2. Symbol": "IBM", "4. Interval": "1min", "6. Time Zone": "US/Eastern"},
            "Time Series (1min)": by_stamp(),
        }
    ).encode(),
    "Twelve Data/x.json": answer(
        meta={"symbol": "IBM", "interval": "1min", "exchange_timezone": "America/New_York"},
        values=[{"datetime": at, **{n[3:]: v for n, v in row.items()}} for at, row in by_stamp().items()],
        status="ok",
    ),
    "Finnhub/IBM.json": answer(**columns()),
    "IBM.scid": scid(),
}


def bars_of(path: Path) -> tuple[ReadFile, BarColumns]:
    found = read_file(path, FileForm(), tuple(DayKind))
    (day,) = found.parts.days
    assert day.symbol == "IBM" and day.date == OPEN.date() and not found.parts.rejected
    return found, day.bars


def written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def assert_are_the_minutes(found: BarColumns) -> None:
    assert found.offset.tolist() == [60 * minute for minute in MINUTES]
    table = np.array([found.open, found.high, found.low, found.close, found.volume]).T
    assert table.tolist() == [list(bar(minute)) for minute in MINUTES]


@pytest.mark.parametrize("name", FORMS)
def test_every_form_holds_the_same_minutes(tmp_path: Path, name: str) -> None:
    _, found = bars_of(written(tmp_path / name, FORMS[name]))
    assert_are_the_minutes(found)


def test_the_count_of_a_scid_records_trades_is_kept(tmp_path: Path) -> None:
    _, found = bars_of(written(tmp_path / "IBM.scid", scid()))
    assert set(found.trade_count.tolist()) == {9}


def test_a_zip_made_on_a_mac_is_read_without_what_the_mac_put_beside(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "IBM.zip", "w") as archive:
        archive.writestr("IBM.csv", TABLE)
        archive.writestr("__MACOSX/._IBM.csv", b"\0\5\x16\7Mac OS X")
        archive.writestr(".DS_Store", b"\0\0\0\1Bud1")
    assert_are_the_minutes(bars_of(tmp_path / "IBM.zip")[1])


def test_a_folder_of_partitions_says_symbol_and_date(tmp_path: Path) -> None:
    frame = pd.DataFrame(rows()).drop(columns="t")
    frame["timestamp"] = pd.to_datetime([stamp(minute) for minute in MINUTES], unit="s", utc=True)
    path = tmp_path / "mine" / "symbol=IBM" / "date=2024-03-14" / "part-0.parquet"
    path.parent.mkdir(parents=True)
    frame.to_parquet(path)
    (tmp_path / "mine" / "symbol=IBM" / "_SUCCESS").write_text("")
    assert find_files([tmp_path]) == [path]
    assert_are_the_minutes(bars_of(path)[1])


def test_databentos_own_records_of_trades_and_quotes_are_read(tmp_path: Path) -> None:
    dbn = pytest.importorskip("databento_dbn")
    at, price = (round(OPEN.timestamp()) + 1) * 10**9, 171_230_000_000

    def file(schema: Any, name: str, *records: Any) -> Path:
        dates = {"start_date": OPEN.date(), "end_date": OPEN.date() + dt.timedelta(days=1)}
        mapped = [SimpleNamespace(raw_symbol="IBM", intervals=[SimpleNamespace(**dates, symbol="7")])]
        about = dbn.Metadata(
            dataset="XNAS.ITCH", schema=schema, start=0, end=None, limit=None, symbols=["IBM"], partial=[],
            not_found=[], mappings=mapped, stype_in=dbn.SType.RAW_SYMBOL, stype_out=dbn.SType.INSTRUMENT_ID,
        )  # fmt: skip
        return written(tmp_path / name, bytes(about) + b"".join(map(bytes, records)))

    # publisher, instrument, event, price, size, action, side, depth, received, flags, since sent, sequence
    place = (2, 7, at, price, 40)
    trade = dbn.TradeMsg(*place, dbn.Action.TRADE, dbn.Side.ASK, 0, at)
    (day,) = read_file(file(dbn.Schema.TRADES, "trades.dbn", trade), FileForm(), tuple(DayKind)).parts.days
    assert (day.symbol, day.ticks.kind) == ("IBM", DayKind.TRADES)
    assert (day.ticks.at.tolist(), day.ticks.values.tolist()) == ([10**9], [[171.23], [40.0]])

    level = dbn.BidAskPair(bid_px=price, ask_px=price + 10**7, bid_sz=300, ask_sz=200)
    quote = dbn.MBP1Msg(*place, dbn.Action.ADD, dbn.Side.BID, 0, at, levels=level)
    (day,) = read_file(file(dbn.Schema.MBP_1, "quotes.dbn", quote), FileForm(), tuple(DayKind)).parts.days
    names = ("bid", "bid_size", "ask", "ask_size")
    assert [float(day.ticks.value(name)[0]) for name in names] == [171.23, 300, 171.24, 200]
