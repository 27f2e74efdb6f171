"""What a file says of itself above its table, or in a column of zones, holds; contradictions are refused."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.preambles import Preamble, preamble_of
from marketdata.importing.base.refusals import Doubt, NotBars, UnreadableFile
from marketdata.importing.days.read_file import read_file
from marketdata.importing.tables.bar_reading import Table, read

HEAD = "time,open,high,low,close,volume"
OPEN = dt.datetime(2025, 7, 2, 13, 30, tzinfo=dt.UTC)


def rows(step: int = 1, count: int = 30, hours: int = 0, after: str = "") -> list[str]:
    starts = (OPEN + dt.timedelta(hours=hours, minutes=step * n) for n in range(count))
    return [f"{start:%Y-%m-%d %H:%M:%S},50,51,49,50,10{after}" for start in starts]


def table(path: Path, *lines: str, **options: str) -> Table:
    path.write_text("\n".join(lines) + "\n")
    return read(path, FileForm(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "above",
    [
        ["Symbol: MSFT", "Time zone: UTC"],
        ["# ticker MSFT", "# timezone UTC"],
        ["Symbol: MSFT, Time Zone: UTC, Interval: 1 min"],
        ["symbol = MSFT", "tz=UTC", "exported by a program"],
    ],
)
def test_lines_above_a_table_say_symbol_and_zone(tmp_path: Path, above: list[str]) -> None:
    found = table(tmp_path / "export.csv", *above, HEAD, *rows())
    assert (found.names, found.stamp[0], found.decision.zone.value) == (["MSFT"], OPEN.timestamp(), "UTC")
    assert [note for note in found.decision.notes if "above the table" in note] == [
        f"line {number} is above the table and is not used: {line}"
        for number, line in enumerate(above, 1)
        if "program" in line
    ]


def test_another_symbol_in_the_files_name_is_asked_about(tmp_path: Path) -> None:
    with pytest.raises(Doubt, match="rows are of MSFT, its name AAPL") as asked:
        table(tmp_path / "AAPL.csv", "Symbol: MSFT", HEAD, *rows(), tz="UTC")
    assert asked.value.choices == ("MSFT", "AAPL")
    assert table(tmp_path / "AAPL.csv", "Symbol: MSFT", HEAD, *rows(), tz="UTC", symbol="AAPL").names == ["AAPL"]


@pytest.mark.parametrize("line", ["Time zone: UTC", "Times in: UTC"])
def test_another_zone_than_the_persons_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(UnreadableFile, match=r"a line above its table says .* UTC, and --tz says America/New_York"):
        table(tmp_path / "AAPL.csv", line, HEAD, *rows(), tz="America/New_York")


@pytest.mark.parametrize("width", ["5min", "5 min", "1h", "daily"])
def test_bars_of_another_width_are_refused(tmp_path: Path, width: str) -> None:
    with pytest.raises(NotBars, match="only 1m is kept"):
        table(tmp_path / "AAPL.csv", f"Interval: {width}", HEAD, *rows(5, 6), tz="UTC")


@pytest.mark.parametrize(
    ("column", "value", "hours"),
    [("tz", "UTC", 0), ("timezone", "America/New_York", -4), ("gmtoffset", "-14400", -4), ("utc_offset", "-04:00", -4)],
)
def test_a_column_of_one_zone_is_the_stamps_zone(tmp_path: Path, column: str, value: str, hours: int) -> None:
    lines = [f"{HEAD},{column}", *rows(hours=hours, after=f",{value}")]
    assert table(tmp_path / "AAPL.csv", *lines).stamp[0] == OPEN.timestamp()
    with pytest.raises(UnreadableFile, match=f"the column {column} says"):
        table(tmp_path / "AAPL.csv", *lines, tz="Asia/Tokyo")


def test_prose_says_nothing() -> None:
    assert preamble_of(["Period: all of 2025", "Stock prices, as of today", ""]) == Preamble(
        interval="all of 2025", notes=("line 2 is above the table and is not used: Stock prices, as of today",)
    )


OTHER_FOLDERS = [
    ("symbol=AAPL/date=2025-07-02", "MSFT"),
    *((f"symbol=MSFT/date={date}", date) for date in ("2025-06-02", "2025-07-01", "2025-07-03")),
]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("folder", "says"),
    OTHER_FOLDERS,
)
def test_a_folder_that_says_otherwise_than_its_rows_is_refused(tmp_path: Path, folder: str, says: str) -> None:
    path = tmp_path / folder / "part-0.csv"
    path.parent.mkdir(parents=True)
    lines = [f"symbol,{HEAD}", *(f"MSFT,{row}" for row in rows())]
    path.write_text("\n".join(lines))
    with pytest.raises(UnreadableFile, match=f"{says}.*pass --as-is"):
        read_file(path, FileForm(tz="UTC"))
    assert read_file(path, FileForm(tz="UTC", as_is=True)).row_count == 30
