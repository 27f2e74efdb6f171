"""Files that are cut off, whose quotation marks or line ends are wrong, and numbers with decimal commas."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import zstandard

from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.days.splitting import Split, split
from marketdata.importing.tables.bar_reading import read
from marketdata.importing.tables.tick_reading import read_ticks

HEAD = "time,open,high,low,close,volume"


def stamp(minute: int) -> str:
    """Of a minute after the open of 2025-07-02."""
    return f"{dt.datetime(2025, 7, 2, 13, 30, tzinfo=dt.UTC) + dt.timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}"


def rows(count: int) -> list[str]:
    return [f"{stamp(minute)},50,51,49,50,{minute * 7919 % 100_003}" for minute in range(count)]


def parts(path: Path, text: str | bytes, form: FileForm | None = None) -> Split:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return split(read(path, form or FileForm()))


SPACED = "1\u202f050,01;1\u202f051,02;1\u202f049,03;1\u202f050,04;12\u00a0345"
SMALL = "50,01;51,02;49,03;50,04;987\n{};50,01;51,02;49,03;50,04;1.234"
COMMAS = {
    "thousands of volume": ("50,01;51,02;49,03;50,04;12.345", {}, (50.01, [12345.0])),
    "prices without a fraction": ("1.234;1.235;1.233;1.234;12.345", {"decimal": ","}, (1234.0, [12345.0])),
    "some below a thousand": (SMALL, {}, (50.01, [987.0, 1234.0])),
    "blanks between the digits": (SPACED, {}, (1050.01, [12345.0])),
    "many thousands": ("1.050,01;1.051,02;1.049,03;1.050,04;1.234.567", {}, (1050.01, [1234567.0])),
}


@pytest.mark.parametrize("name", COMMAS)
def test_with_decimal_commas_a_point_groups_thousands(tmp_path: Path, name: str) -> None:
    row, options, expected = COMMAS[name]
    text = f"{HEAD.replace(',', ';')}\n{stamp(0)};{row.format(stamp(1))}\n"
    (day,) = parts(tmp_path / "AAPL.csv", text, FileForm(**options)).days
    assert (day.bars.open[0], day.bars.volume.tolist()) == expected


def test_sizes_of_trades_and_a_wide_file_have_decimal_commas_too(tmp_path: Path) -> None:
    path = tmp_path / "AAPL.csv"
    path.write_text(f"time;price;size\n{stamp(0)};50,01;10.000\n{stamp(1)};50,01;500\n")
    assert read_ticks(path, FileForm(), "ticks").rows.value("size").tolist() == [10_000, 500]
    names = ";".join(f"{symbol}_{name}" for symbol in ("AAPL", "IBM") for name in HEAD.split(",")[1:])
    wide = f"time;{names}\n{stamp(0)};50,01;51,02;49,03;50,04;12.345;;;;;\n{stamp(1)};;;;;;7,5;8;7;7,5;1.000\n"
    found = parts(tmp_path / "prices.csv", wide)
    assert [(day.symbol, day.bars.volume.tolist()) for day in found.days] == [("AAPL", [12345.0]), ("IBM", [1000.0])]
    assert found.rejected == []


def test_tradestations_ups_and_downs_have_decimal_commas_too(tmp_path: Path) -> None:
    head = '"Date";"Time";"Open";"High";"Low";"Close";"Up";"Down"'
    text = f"{head}\n07/25/2025;09:31;50,01;51,02;49,03;50,04;1.200;300\n"
    (day,) = parts(tmp_path / "AAPL.txt", text, FileForm(tz="America/New_York")).days
    assert day.bars.volume.tolist() == [1500.0]


@pytest.mark.parametrize("frames", [1, 2])
def test_a_zstandard_file_that_is_cut_off_is_refused(tmp_path: Path, frames: int) -> None:
    text = "\n".join([HEAD, *rows(390)]).encode()
    half = len(text) // frames
    packed = b"".join(zstandard.compress(text[at : at + half + 1]) for at in range(0, len(text), half + 1))
    (day,) = parts(tmp_path / "AAPL.csv.zst", packed).days
    assert len(day.bars) == 390
    with pytest.raises(UnreadableFile, match="it is cut off"):
        parts(tmp_path / "AAPL.csv.zst", packed[: len(packed) - 300])


def test_a_dbn_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    dbn = pytest.importorskip("databento_dbn")
    about = dbn.Metadata(
        dataset="XNAS.ITCH", schema=dbn.Schema.OHLCV_1M, start=0, end=None, limit=None, symbols=["A"], partial=[],
        not_found=[], mappings=[], stype_in=dbn.SType.RAW_SYMBOL, stype_out=dbn.SType.INSTRUMENT_ID,
    )  # fmt: skip
    at = round(dt.datetime.fromisoformat(stamp(0)).timestamp()) * 10**9
    record = dbn.OHLCVMsg(33, 1, 7, at, 50 * 10**9, 51 * 10**9, 49 * 10**9, 50 * 10**9, 10)
    whole = about.encode() + bytes(record) * 2
    assert len(parts(tmp_path / "A.dbn", whole).days) == 1
    with pytest.raises(UnreadableFile, match="it is cut off in the midst of a record"):
        parts(tmp_path / "A.dbn", whole[:-10])


@pytest.mark.parametrize("place", [0, 200])
@pytest.mark.parametrize("closed", [False, True])
def test_a_quotation_mark_that_is_not_closed_does_not_swallow_rows(tmp_path: Path, place: int, closed: bool) -> None:
    """`closed`: by another mark far below, as two stray ones are."""
    lines = [f"{row},x" for row in rows(390)]
    lines[place] = lines[place][:-1] + '"x'
    if closed:
        lines[place + 100] += '"'
    with pytest.raises(UnreadableFile, match=f"a quotation mark in line {place + 2} is not closed"):
        parts(tmp_path / "AAPL.csv", "\n".join([f"{HEAD},note", *lines]) + "\n")


def test_a_line_end_within_a_quoted_cell_moves_no_line_number(tmp_path: Path) -> None:
    lines = [f'{row},"a\nb"' for row in rows(20_000)[:390]]
    lines[100:101] = ["2025-07-02T13:29:00Z,50", "2025-07-02T13:28:00Z,50,1,49,50,1,x"]
    found = parts(tmp_path / "AAPL.csv", "\n".join([f"{HEAD},note", *lines]) + "\n")
    assert [(row.line, row.reason) for row in found.rejected] == [
        (202, "the line has 2 of 7 columns"),
        (203, "high is below open or close"),
    ]
    assert sum(len(day.bars) for day in found.days) == 389
    assert found.rejected[1].raw.startswith("2025-07-02T13:28")


RETURNS = {
    "the head alone": (f"{HEAD}\r{rows(1)[0]}\n", 1),
    "the first rows": (f"{HEAD}\r{rows(2)[0]}\r{rows(2)[1]}\n", 2),
    "a cell of lines that end with CRLF": (f'{HEAD},note\r\n{rows(2)[0]},"a\rb"\r\n{rows(2)[1]},c\r\n', 2),
}


@pytest.mark.parametrize("name", RETURNS)
def test_a_lone_carriage_return_ends_a_line_outside_of_quotation_marks(tmp_path: Path, name: str) -> None:
    text, count = RETURNS[name]
    (day,) = parts(tmp_path / "AAPL.csv", text).days
    assert len(day.bars) == count
