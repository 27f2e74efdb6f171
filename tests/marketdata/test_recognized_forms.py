"""Forms known by how they stand: blanks for columns, own exports, yfinance's tables, rows without a head line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from django.core.management import call_command

from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import NotTicks, UnreadableFile
from marketdata.importing.days.splitting import SymbolDay, split
from marketdata.importing.tables.bar_reading import Table, read
from marketdata.importing.tables.tick_reading import read_ticks

NEW_YORK = "America/New_York"
STAMPS = ("2025-07-02 09:30:00-04:00", "2025-07-02 09:31:00-04:00")
ROWS = ((10.0, 11.0, 9.0, 10.5, 100.0), (10.5, 12.0, 10.0, 11.0, 50.0))


def table(folder: Path, text: str, name: str = "AAPL.txt", **options: str) -> Table:
    (folder / name).write_text(text)
    return read(folder / name, FileForm(**options))  # type: ignore[arg-type]


def only_day(found: Table) -> SymbolDay:
    (day,) = split(found).days
    return day


def rows_of(day: SymbolDay) -> list[tuple[float, ...]]:
    bars = day.bars
    return list(
        zip(*(values.tolist() for values in (bars.open, bars.high, bars.low, bars.close, bars.volume)), strict=True)
    )


BLANKS = {
    "a head line": "Date       Time  Open High Low Close  Vol\n2025-07-02 09:30 10   11   9   10.5   100\n"
    "2025-07-02 09:31 10.5 12   10  11     50\n",
    "no head line": "2025-07-02 09:30  10 11  9 10.5 100\n 2025-07-02 09:31  10.5 12 10 11 50 \n",
    "CR LF, and a stamp in one word": "time open high low close volume\r\n2025-07-02T09:30:00  10 11 9 10.5 100\r\n"
    "2025-07-02T09:31:00 10.5 12 10 11 50\r\n",
}


@pytest.mark.parametrize("name", BLANKS)
def test_columns_apart_by_blanks_are_read_and_it_is_said(tmp_path: Path, name: str) -> None:
    found = table(tmp_path, BLANKS[name], tz=NEW_YORK)
    assert found.decision.notes == ("its columns stand apart by blanks",)
    day = only_day(found)
    assert (day.symbol, day.bars.offset.tolist(), rows_of(day)) == ("AAPL", [0, 60], list(ROWS))


def test_a_line_further_down_with_another_number_of_words_is_reported(tmp_path: Path) -> None:
    whole = "".join(f"2025-07-02 {9 + n // 60:02}:{n % 60:02} 10 11 9 10 1\n" for n in range(30, 60)) * 40
    found = split(table(tmp_path, whole + "2025-07-02 10:00 10 11 9\n", tz=NEW_YORK))
    assert [(row.line, row.reason) for row in found.rejected] == [(1201, "the line has 5 of 7 columns")]


@pytest.mark.django_db
@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_what_was_exported_is_called_an_export(tmp_path: Path, ending: str) -> None:
    text = "time,open,high,low,close,volume\n" + "\n".join(f"{at},10,11,9,10,5" for at in STAMPS) + "\n"
    (tmp_path / "AAPL.csv").write_text(text)
    call_command("import_bars", str(tmp_path / "AAPL.csv"), dataset="mine", verbosity=0)
    path = tmp_path / f"exported{ending}"
    call_command("export_bars", "AAPL", dataset="mine", to=path, verbosity=0)
    found = read(path, FileForm())
    assert found.decision.dialect.value == "Tapedeck export"
    assert only_day(found).bars.offset.tolist() == [0, 60]


def test_alpacas_own_table_stays_alpacas(tmp_path: Path) -> None:
    head = "symbol,timestamp,open,high,low,close,volume,trade_count,vwap"
    found = table(tmp_path, f"{head}\nAAPL,2025-07-02 13:30:00+00:00,10,11,9,10,5,1,10\n", "bars.csv")
    assert found.decision.dialect.value == "Alpaca"


FIELDS = "10,11,9,10.5"
YFINANCE = {
    "history": f"Datetime,Open,High,Low,Close,Volume,Dividends,Stock Splits\n{STAMPS[0]},{FIELDS},100,0.0,0.0\n",
    "download": "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDatetime,,,,,\n"
    f"{STAMPS[0]},10.5,11,9,10,100\n",
    "download of one": f"Datetime,Close,High,Low,Open,Volume\n{STAMPS[0]},10.5,11,9,10,100\n",
}


@pytest.mark.parametrize("name", YFINANCE)
def test_yfinances_forms_are_called_so(tmp_path: Path, name: str) -> None:
    found = table(tmp_path, YFINANCE[name], "AAPL.csv")
    assert (found.decision.dialect.value, found.decision.label.value) == ("yfinance", "start")
    assert rows_of(only_day(found)) == [ROWS[0]]


def test_yfinances_frame_in_parquet_is_called_so(tmp_path: Path) -> None:
    names = pd.MultiIndex.from_product(
        [["Open", "High", "Low", "Close", "Volume"], ["AAPL"]], names=["Price", "Ticker"]
    )
    frame = pd.DataFrame(list(ROWS), index=pd.DatetimeIndex(STAMPS, name="Datetime"), columns=names)
    frame.to_parquet(tmp_path / "frame.parquet")
    found = read(tmp_path / "frame.parquet", FileForm())
    assert (found.decision.dialect.value, rows_of(only_day(found))) == ("yfinance", list(ROWS))


@pytest.mark.parametrize("row", ["2025-07-02 13:30:00.5Z,170.1,100", "1751463000123,170.1,100", "1751463000123,170.1"])
@pytest.mark.parametrize(("kind", "line"), [("ticks", "time,price,size"), ("quotes", "time,bid,bid_size,ask,ask_size")])
def test_trades_and_quotes_without_a_head_line_are_refused_with_one_to_put_there(
    tmp_path: Path, row: str, kind: str, line: str
) -> None:
    path = tmp_path / "AAPL.csv"
    path.write_text(f"{row}\n{row}\n")
    with pytest.raises(NotTicks, match=f"has no head line.* e.g. {line}\\.$"):
        read_ticks(path, FileForm(), kind)
    with pytest.raises(UnreadableFile, match="has no head line"):
        read(path, FileForm())
