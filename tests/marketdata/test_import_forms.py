"""The same two bars in every form that vendors write them: 09:30 and 15:59 are pinned for each."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import NotBars
from marketdata.importing.days.splitting import split
from marketdata.importing.tables.bar_reading import read
from tests.marketdata.two_bars import FIRST, LAST, LAST_ROW, NEW_YORK, ROW, Z, minutes

BARS = [{"o": 10, "h": 11, "l": 9, "c": 10.5, "v": 100, "n": 3, "vw": 10.2}, {"o": 12, "h": 13, "l": 11, "c": 12.5}]


TEXTS = {
    "generic": (f"timestamp,open,high,low,close,volume\n{Z[0]},{FIRST}\n{Z[1]},{LAST}\n", {}),
    "offset in the stamp": (
        f"Datetime,Open,High,Low,Close,Volume\n2025-07-02 09:30:00-04:00,{FIRST}\n2025-07-02 15:59:00-04:00,{LAST}\n",
        {},
    ),
    "yfinance, adjusted close too": (
        "Datetime,Open,High,Low,Close,Adj Close,Volume\n2025-07-02 13:30:00+00:00,10,11,9,10.5,9.1,100\n"
        "2025-07-02 19:59:00+00:00,12,13,11,12.5,9.9,200\n",
        {},
    ),
    "alpaca's data frame": (
        "symbol,timestamp,open,high,low,close,volume,trade_count,vwap\n"
        f"IBM,2025-07-02 13:30:00+00:00,{FIRST},3,10.2\nIBM,2025-07-02 19:59:00+00:00,{LAST},4,12.1\n",
        {},
    ),
    "stamps that mark the end": (
        f"time,open,high,low,close,volume\n2025-07-02 09:31,{FIRST}\n2025-07-02 16:00,{LAST}\n",
        {"tz": NEW_YORK, "label": "end"},
    ),
    "date and time apart": (
        f"Date,Time,Open,High,Low,Close,Volume\n2025-07-02,09:30,{FIRST}\n2025-07-02,15:59,{LAST}\n",
        {"tz": NEW_YORK},
    ),
    "metastock": (
        "<TICKER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n"
        f"IBM,20250702,093000,{FIRST}\nIBM,20250702,155900,{LAST}\n",
        {"tz": NEW_YORK},
    ),
    "no head line, american dates": (f"07/25/2025,09:30,{FIRST}\n", {"tz": NEW_YORK}),
    "no head line, compact": (f"20250702 093000;{FIRST};\n".replace(",", ";"), {"tz": NEW_YORK, "label": "start"}),
    "tabs": (f"t\to\th\tl\tc\tv\n{Z[0]},{FIRST}\n{Z[1]},{LAST}\n".replace(",", "\t"), {}),
    "half past, with am and pm": (
        f"time,open,high,low,close,volume\n7/2/2025 9:30:00 AM,{FIRST}\n7/2/2025 3:59:00 PM,{LAST}\n",
        {"tz": NEW_YORK, "date_order": "mdy"},
    ),
    "seconds": (f"time,open,high,low,close,volume\n1751463000,{FIRST}\n1751486340,{LAST}\n", {}),
    "nanoseconds": (
        f"window_start,open,high,low,close,volume\n1751463000000000000,{FIRST}\n1751486340000000000,{LAST}\n",
        {},
    ),
    "one number a stamp": (
        f"time,open,high,low,close,volume\n20250702093000,{FIRST}\n20250702155900,{LAST}\n",
        {"tz": NEW_YORK},
    ),
    "a byte order mark and blank lines": (
        f"\ufefftime,open,high,low,close,volume\r\n\r\n{Z[0]},{FIRST}\r\n{Z[1]},{LAST}\r\n\r\n",
        {},
    ),
}


@pytest.mark.parametrize("form", TEXTS)
def test_a_text_form_is_detected(tmp_path: Path, form: str) -> None:
    text, options = TEXTS[form]
    path = tmp_path / "IBM_x.csv"
    path.write_text(text)
    if "25/2025" in text:
        (day,) = split(read(path, FileForm(**options))).days
        assert (day.date, day.bars.offset.tolist()) == (dt.date(2025, 7, 25), [0])
    elif "155900" not in text and "15:59" not in text and text.count("\n") == 1:
        assert minutes(path, FileForm(**options)) == {"IBM": {"13:30": ROW}}
    else:
        assert minutes(path, FileForm(**options)) == {"IBM": {"13:30": ROW, "19:59": LAST_ROW}}


WIDE = {
    "yfinance, fields above symbols": (
        "Price,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume\nTicker,AAPL,IBM,AAPL,IBM,AAPL,IBM,AAPL,IBM,AAPL,IBM\n"
        "Datetime,,,,,,,,,,\n2025-07-02 13:30:00+00:00,10.5,,11,,9,,10,,100,\n"
        "2025-07-02 19:59:00+00:00,12.5,10.5,13,11,11,9,12,10,200,100\n"
    ),
    "yfinance, symbols above fields": (
        "Ticker,AAPL,AAPL,AAPL,AAPL,AAPL,AAPL,IBM,IBM,IBM,IBM,IBM,IBM\n"
        "Price,Open,High,Low,Close,Adj Close,Volume,Open,High,Low,Close,Adj Close,Volume\nDatetime,,,,,,,,,,,,\n"
        "2025-07-02 13:30:00+00:00,10,11,9,10.5,1,100,,,,,,\n"
        "2025-07-02 19:59:00+00:00,12,13,11,12.5,1,200,10,11,9,10.5,1,100\n"
    ),
    "symbol and field in one name": (
        "time,AAPL_open,AAPL_high,AAPL_low,AAPL_close,AAPL_volume,IBM_open,IBM_high,IBM_low,IBM_close,IBM_volume\n"
        f"{Z[0]},{FIRST},,,,,\n{Z[1]},{LAST},{FIRST}\n"
    ),
    "field and symbol in one name": (
        "time,Open AAPL,High AAPL,Low AAPL,Close AAPL,Volume AAPL,Open IBM,High IBM,Low IBM,Close IBM,Volume IBM\n"
        f"{Z[0]},{FIRST},,,,,\n{Z[1]},{LAST},{FIRST}\n"
    ),
}


@pytest.mark.parametrize("form", WIDE)
def test_a_wide_file_holds_many_symbols_and_an_empty_cell_is_no_bar(tmp_path: Path, form: str) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(WIDE[form])
    assert minutes(path) == {"AAPL": {"13:30": ROW, "19:59": LAST_ROW}, "IBM": {"19:59": ROW}}


def test_yfinances_data_frame_in_parquet_is_the_same(tmp_path: Path) -> None:
    index = pd.DatetimeIndex([Z[0], Z[1]], name="Datetime")
    names = pd.MultiIndex.from_product([["Open", "High", "Low", "Close", "Volume"], ["AAPL", "OPEN"]])
    rows = [[v for v in row for _ in range(2)] for row in (ROW, LAST_ROW)]
    pd.DataFrame(rows, index=index, columns=names).to_parquet(tmp_path / "wide.parquet")
    both = {"13:30": ROW, "19:59": LAST_ROW}
    assert minutes(tmp_path / "wide.parquet") == {"AAPL": both, "OPEN": both}


def test_alpacas_data_frame_in_parquet_keeps_its_index(tmp_path: Path) -> None:
    index = pd.MultiIndex.from_tuples([("IBM", pd.Timestamp(at)) for at in Z], names=["symbol", "timestamp"])
    columns = ["open", "high", "low", "close", "volume"]
    pd.DataFrame([ROW, LAST_ROW], index=index, columns=columns).to_parquet(tmp_path / "bars.parquet")
    assert minutes(tmp_path / "bars.parquet") == {"IBM": {"13:30": ROW, "19:59": LAST_ROW}}


@pytest.mark.parametrize(
    "answer",
    [
        {"bars": {"IBM": [{"t": Z[0], **BARS[0]}]}, "next_page_token": None},
        {"symbol": "IBM", "bars": [{"t": Z[0], **BARS[0]}]},
        {"ticker": "IBM", "results": [{"t": 1751463000000, **BARS[0]}]},
        [{"S": "IBM", "t": Z[0], **BARS[0]}],
    ],
    ids=["alpaca, many symbols", "alpaca, one symbol", "polygon", "a list of messages"],
)
def test_a_vendors_answer_kept_as_json(tmp_path: Path, answer: Any) -> None:
    (tmp_path / "answer.json.gz").write_bytes(gzip.compress(json.dumps(answer).encode()))
    table = read(tmp_path / "answer.json.gz", FileForm())
    assert minutes(tmp_path / "answer.json.gz") == {"IBM": {"13:30": ROW}}
    assert table.values[5:, 0].tolist() == [3, 10.2]


def lean(root: Path, resolution: str, kind: str, text: str) -> Path:
    path = root / "mine" / "equity" / "usa" / resolution / "ibm" / f"20250702_{kind}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(f"20250702_ibm_{resolution}_{kind}.csv", text)
    path.write_bytes(held.getvalue())
    return path


def test_lean_counts_milliseconds_since_new_yorks_midnight_and_ten_thousandths(tmp_path: Path) -> None:
    text = "34200000,100000,110000,90000,105000,100\n57540000,120000,130000,110000,125000,200\n"
    path = lean(tmp_path, "minute", "trade", text)
    assert minutes(path) == {"IBM": {"13:30": ROW, "19:59": LAST_ROW}}


@pytest.mark.django_db
def test_leans_layout_names_the_dataset_and_what_is_not_minute_bars_is_passed_over(tmp_path: Path) -> None:
    lean(tmp_path, "minute", "trade", "34200000,100000,110000,90000,105000,100\n")
    lean(tmp_path, "minute", "quote", "34200000,1,1,1,1,1,1,1,1,1,1\n")
    second = lean(tmp_path, "second", "trade", "34200000,100000,110000,90000,105000,100\n")
    out = io.StringIO()
    call_command("import_bars", str(tmp_path), json=True, stdout=out)
    answer = json.loads(out.getvalue())
    assert [(report["dataset"], report["inserted"]) for report in answer["datasets"]] == [("mine", 1)]
    assert len(answer["skipped"]) == 2 and answer["errors"] == []
    with pytest.raises(CommandError, match="holds second trade data, not minute bars"):
        call_command("import_bars", str(second))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,bid,ask\n1,2,3\n", "holds quotes, not bars"),
        ("time,bid_open,bid_high,bid_low,bid_close,ask_open\n1,2,3,1,2,3\n", "holds quotes, not bars"),
        ("day,rth_open,rth_high,rth_low,rth_close\na,1,1,1,1\n", "no column for time, open"),
        ("time,price,size\n1,2,3\n", "holds trades, not bars"),
        ("path,rows\na,1\n", "no column for time, open"),
        (
            "time,open,high,low,close\n" + "".join(f"{1751463000 + 300 * i},1,1,1,1\n" for i in range(30)),
            "its bars are 5 minutes apart",
        ),
        (
            "time,open,high,low,close\n" + "".join(f"{1751463000 + i},1,1,1,1\n" for i in range(30)),
            "its rows are 1 seconds apart",
        ),
        (
            "time,open,high,low,close\n" + "".join(f"2025-07-{day:02}T13:30:00Z,1,1,1,1\n" for day in (1, 2, 7, 8)),
            "its bars are a day apart",
        ),
        ("Date,Open,High,Low,Close\n2025-07-02T00:00-04:00,1,1,1,1\n", "its stamps are dates without a time"),
        ("Date,Open,High,Low,Close\n2025-07-02T00:00Z,1,1,1,1\n", "its stamps are dates without a time"),
    ],
)
def test_what_is_no_minute_bars_says_what_it_is(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(NotBars, match=message):
        split(read(path, FileForm()))
