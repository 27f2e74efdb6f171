"""Files such as people have: made up in the forms that tests/marketdata/test_cases.py reads, with walks of our own."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

OPEN = pd.Timestamp("2025-07-02T13:30:00Z")
HEAD = "time,open,high,low,close,volume"


class Bar(NamedTuple):
    at: pd.Timestamp
    open: float
    high: float
    low: float
    close: float
    volume: int

    def line(self, stamp: object) -> str:
        return ",".join(map(str, (stamp, *self[1:])))


def bars(count: int, price: float = 64.0, start: pd.Timestamp = OPEN) -> list[Bar]:
    """A walk of whole cents, the same each time."""
    close = (price + np.cumsum(np.random.default_rng(round(price)).integers(-3, 4, count)) / 100).round(2)
    opened = np.concatenate([[price], close[:-1]])
    high, low = (np.maximum(opened, close) + 0.02).round(2), (np.minimum(opened, close) - 0.02).round(2)
    rows = zip(opened.tolist(), high.tolist(), low.tolist(), close.tolist(), strict=True)
    return [Bar(start + pd.Timedelta(minutes=i), *row, 900 + 13 * i) for i, row in enumerate(rows)]


def make(folder: Path) -> Path:
    """Write the files of every case below `folder`, by the names that the tests use. Returns the folder."""
    for case in (_polygon, _stray_lines, _names, _brokers, _databento, _spreadsheets, _frames, _odd_days, _mixed):
        for name, content in case():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, pd.DataFrame):
                content.to_parquet(path, index=path.name == "trades.parquet")
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


Files = Iterable[tuple[str, Any]]


def _text(*lines: str, end: str = "\n") -> str:
    return end.join((*lines, ""))


def _table(rows: Iterable[Bar], stamp: str = "%Y-%m-%dT%H:%M:%SZ", head: str = HEAD, more: str = "") -> str:
    return _text(head, *(bar.line(bar.at.strftime(stamp)) + more for bar in rows))


def _local(rows: Iterable[Bar], zone: str = "America/New_York") -> list[Bar]:
    return [bar._replace(at=bar.at.tz_convert(zone)) for bar in rows]


def _polygon() -> Files:
    start = pd.Timestamp("2026-03-03T14:30:00Z")
    head = "ticker,volume,open,close,high,low,window_start,transactions"

    def flat(symbol: str, rows: Sequence[Bar], fraction: float) -> list[str]:
        return [
            f"{symbol},{bar.volume + fraction * (i % 10)},{bar.open},{bar.close},{bar.high},{bar.low},{bar.at.value},7"
            for i, bar in enumerate(rows)
        ]

    fractional = (*flat("ALFA", bars(30, start=start), 0.137), *flat("BETA", bars(30, 88, start), 0))
    yield "a01-fractional-volume/in/flat/2026-03-03.csv.gz", gzip.compress(_text(head, *fractional).encode())
    volumes = (1204311.0, 1187.352, 0.5, 91.0)
    results = [
        {"v": v, "vw": bar.close, "o": bar.open, "c": bar.close, "h": bar.high, "l": bar.low, "n": 3}
        | {"t": bar.at.value // 10**6}
        for bar, v in zip(bars(4, start=start), volumes, strict=True)
    ]
    yield "a01-fractional-volume/in/rest/ALFA.json", json.dumps({"ticker": "ALFA", "results": results, "status": "OK"})
    preferred = (*flat("AMPB", bars(10, 9, start), 0), *flat("AMpB", bars(12, 24, start), 0))
    yield "a02-ticker-case/in/2026-03-03.csv.gz", gzip.compress(_text(head, *preferred).encode())


def _stray_lines() -> Files:
    folder = "a04-stray-lines-epoch/in"
    first, second = (_table(bars(5, start=OPEN + pd.Timedelta(days=d)), "%s") for d in (-1, 0))
    yield f"{folder}/ALFA_cat.csv", first + second
    yield f"{folder}/BETA_total.csv", first + "Total,,,,,4630\n"
    yield f"{folder}/GAMA_cut.csv", first + "17513\n"


def _names() -> Files:
    folder = "a07-symbol-in-file-name/in"
    for name, price in (("ALFA", 64), ("BETA", 88)):
        rows = _local(bars(5, price))
        newest_first = _table(rows[::-1], "%Y-%m-%d %H:%M:%S", HEAD.replace("time", "timestamp"))
        yield f"{folder}/alphavantage/intraday_1min_{name}.csv", newest_first
        yield f"{folder}/quantquote/table_{name.lower()}.csv", _table(rows, "%Y%m%d,%-H%M").split("\n", 1)[1]
    for name, price in (("BRK.A", 6200), ("BRK.B", 410)):
        yield f"{folder}/classes/{name}.csv", _table(bars(5, price))
    head = HEAD.replace("volume", "Volume")
    yield f"{folder}/tv/BATS_ALFA, 1_713e6.csv", _table(bars(5), "%s", head)
    yield f"{folder}/tv/NASDAQ_DLY_BETA, 1.csv", _table(bars(5, 88), "%s", head)


def _brokers() -> Files:
    folder, head = "a09-ibkr-stamps/in", "date,open,high,low,close,volume,average,barCount"
    yield f"{folder}/ALFA_tws.csv", _table(_local(bars(5)), "%Y%m%d %H:%M:%S US/Eastern", head, ",64.0,3")
    yield f"{folder}/BETA_utcdash.csv", _table(bars(5), "%Y%m%d-%H:%M:%S", head, ",64.0,3")
    yield f"{folder}/GAMA_oldtws.csv", _table(_local(bars(5)), "%Y%m%d  %H:%M:%S", head, ",64.0,3")
    # The first and the last five minutes of two days, between which New York changed its clocks and Europe did not.
    parts = ("2025-03-07T14:30Z", "2025-03-07T20:55Z", "2025-03-10T13:30Z", "2025-03-10T19:55Z")
    rows = [bar for part in parts for bar in _local(bars(5, start=pd.Timestamp(part)))]
    columns = "<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<TICKVOL>,<VOL>,<SPREAD>".replace(",", "\t")
    lines = []
    for bar in rows:
        server = bar.at.tz_localize(None) + pd.Timedelta(hours=7)
        lines.append("\t".join(map(str, (server.strftime("%Y.%m.%d\t%H:%M:%S"), *bar[1:], 0, 2))))
    text = _text(columns, *lines, end="\r\n")
    for name, encoding in (("ALFA", "utf-16"), ("BETA", "utf-8")):
        yield f"a10-mt5/in/{name}_M1_202503070930_202503101559.csv", text.encode(encoding)
    rows = _local(bars(390, start=OPEN))
    ends = [bar._replace(at=bar.at + pd.Timedelta(minutes=1)) for bar in rows]
    yield "b04-end-stamped/in/ALFA.Last.txt", _table(ends, "%Y%m%d %H%M%S").split("\n", 1)[1].replace(",", ";")


def _databento() -> Files:
    folder, head = "a11-databento/in", "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol"
    fixed = [
        ",".join(map(str, (bar.at.value, 33, 2, 17, *(round(price * 1e9) for price in bar[1:5]), bar.volume, "BETA")))
        for bar in bars(5, 88)
    ]
    yield f"{folder}/raw_fixed_point.csv", _text(head, *fixed)
    venues = [
        f"{bar.at:%Y-%m-%dT%H:%M:%S}.000000000Z,33,{venue},17,{bar.open},{bar.high},{bar.low},{bar.close},{share},ALFA"
        for bar in bars(5)
        for venue, share in ((2, bar.volume), (43, bar.volume // 4))
    ]
    yield f"{folder}/two_venues_pretty.csv", _text(head, *venues)


def _spreadsheets() -> Files:
    lines = []
    for bar in _local(bars(5, 50), "Europe/Berlin"):
        prices = ";".join(f"{price:.2f}".replace(".", ",") for price in bar[1:5])
        lines.append(f"{bar.at:%d.%m.%Y;%H:%M};{prices};12.{345 + len(lines)}")
    yield "a12-decimal-comma/in/ALFA_eu.csv", _text("Date;Time;Open;High;Low;Close;Volume", *lines)
    quoted = [
        ",".join(f'"{cell}"' for cell in (f"{bar.at:%Y-%m-%dT%H:%M:%SZ}", *(f"{value:,}" for value in bar[1:])))
        for bar in bars(5, 1240)
    ]
    yield "a12-decimal-comma/in/BETA_us.csv", _text(",".join(f'"{name}"' for name in HEAD.split(",")), *quoted)
    yield "a14-cr-line-ends/in/ALFA_mac.csv", _table(bars(8)).replace("\n", "\r")
    noisy = []
    for i, bar in enumerate(bars(20)):  # seven of whose highs are the close, less what a float lost
        opened, high, low, close = (price * 0.987123 for price in bar[1:5])
        noisy.append(bar._replace(open=opened, low=low, close=close, high=max(opened, close) * (1 - 1e-12 * (i < 7))))
        if i >= 7:
            noisy[-1] = noisy[-1]._replace(high=high)
    yield "a15-adjusted-float-noise/in/ALFA_adjusted.csv", _table(noisy)


def _frames() -> Files:
    at = OPEN + pd.to_timedelta(np.arange(6) * 1_250_001 + 87_000_001, unit="ns")
    trades = pd.DataFrame(
        {
            "symbol": "ALFA",
            "timestamp": at,
            "exchange": list("PQDVDP"),
            "price": [64.0, 64.01, 64.004, 64.02, 64.0, 64.03],
            "size": [100.0, 30.0, 4.0, 200.0, 9.0, 300.0],
            "id": [1, 2, 71_697_353_758_036, 3, 71_697_353_815_352, 4],
            "conditions": [["@"], ["@", "I"], ["@", "T", "I"], ["@", "F"], [" ", "I"], ["@", "4", "W"]],
            "tape": "C",
        }
    )
    folder = "a17-alpaca-trades-frame/in"
    yield f"{folder}/trades.csv", trades.to_csv(index=False)
    yield f"{folder}/trades.parquet", trades.set_index(["symbol", "timestamp"])
    yield f"{folder}/trades_flat.parquet", trades
    for symbol, price in (("ALFA", 64), ("BETA", 88)):
        table = pd.DataFrame(bars(5, price)).rename(columns={"at": "timestamp"})
        yield f"a20-hive-parquet/in/symbol={symbol}/date=2025-07-02/part-0.parquet", table
    sides = ("63.99,200,64.01,100", "63.99,200,0,0", "0,0,64.02,100", "63.98,100,,", "0,0,0,0", "63.97,100,64.03,300")
    rows = [f"ALFA,{OPEN.value + 1000 * i},{side}" for i, side in enumerate(sides)]
    head = "symbol,timestamp,bid_price,bid_size,ask_price,ask_size"
    yield "a23-one-sided-quotes/in/alpaca_quotes.csv", _text(head, *rows)


def _odd_days() -> Files:
    for first, minutes in (("2002-09-11T16:00Z", 240), ("1996-01-08T16:00Z", 180), ("2005-06-01T13:30Z", 386)):
        rows = bars(minutes, start=pd.Timestamp(first))
        yield f"b01-late-opens/in/ALFA_{first[:10]}.csv", _table(rows)
    half = bars(210, start=pd.Timestamp("2025-11-28T14:30Z"))
    evening = bars(5, start=pd.Timestamp("2025-11-28T18:00Z")) + bars(2, start=pd.Timestamp("2025-11-28T21:58Z"))
    yield "b02-half-day-evening/in/ALFA_2025-11-28.csv", _table(half + evening)


def _mixed() -> Files:
    folder = "d05-mixed-folder/in"
    flat = [Bar(OPEN + pd.Timedelta(minutes=i), 10, 10, 10, 10, 100) for i in range(389)]
    yield f"{folder}/AAA.csv", _table(flat)
    yield (
        f"{folder}/AAA_quotes.csv",
        _text("timestamp,bid,bid_size,ask,ask_size", "2025-07-02T13:30:01Z,9.9,100,10,200"),
    )
    yield f"{folder}/AAA_trades.csv", _text("timestamp,price,size", "2025-07-02T13:30:01Z,10,5")
