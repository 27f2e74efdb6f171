"""Dates, lines and symbols that could be read in more than one way, and mappings that say how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.days.splitting import split
from marketdata.importing.mappings import BadMapping, named, wrong
from marketdata.importing.tables.bar_reading import read
from tests.marketdata.two_bars import FIRST, LAST, LAST_ROW, NEW_YORK, ROW, Z, minutes

DATES = "time,open,high,low,close\n{},1,1,1,1\n{},1,1,1,1\n"


@pytest.mark.parametrize(
    ("stamps", "order", "dates"),
    [
        (("07/02/2025 10:00", "07/14/2025 10:00"), "", ["2025-07-02", "2025-07-14"]),
        (("02/07/2025 10:00", "14/07/2025 10:00"), "", ["2025-07-02", "2025-07-14"]),
        (("02.07.25 10:00", "14.07.25 10:00"), "", ["2025-07-02", "2025-07-14"]),
        (("07/02/2025 10:00", "07/03/2025 10:00"), "mdy", ["2025-07-02", "2025-07-03"]),
        (("02/07/2025 10:00", "03/07/2025 10:00"), "dmy", ["2025-07-02", "2025-07-03"]),
        (("06/06/2024 10:00", "07/07/2023 10:00"), "", ["2023-07-07", "2024-06-06"]),
    ],
)
def test_dates_with_slashes_are_read_when_only_one_reading_is_possible(
    tmp_path: Path, stamps: tuple[str, str], order: str, dates: list[str]
) -> None:
    path = tmp_path / "A.csv"
    path.write_text(DATES.format(*stamps))
    parts = split(read(path, FileForm(tz=NEW_YORK, date_order=order)))
    assert [str(day.date) for day in parts.days] == dates


def test_dates_that_can_be_read_in_two_ways_are_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "A.csv"
    path.write_text(DATES.format("07/02/2025 10:00", "07/03/2025 10:00"))
    with pytest.raises(UnreadableFile, match=r"'07/02/2025 10:00': can be read in two ways: pass --date-order"):
        read(path, FileForm(tz=NEW_YORK))


def test_a_mapping_from_the_settings_reads_what_cannot_be_detected(tmp_path: Path, settings: Any) -> None:
    settings.MARKETDATA_MAPPINGS = {
        "odd": {
            "HEADER": ["who", "when", "first", "top", "bottom", "final", "much"],
            "COLUMNS": {
                **{"symbol": "who", "time": "when", "open": "first", "high": "top", "low": "bottom"},
                **{"close": "final", "volume": "much"},
            },
            **{"TZ": NEW_YORK, "LABEL": "end", "DELIMITER": "~", "DATE_ORDER": "dmy", "SCALE": 100},
        }
    }
    path = tmp_path / "x.txt"
    path.write_text("ibm~02/07/2025 09:31~1000~1100~900~1050~100\nibm~02/07/2025 16:00~1200~1300~1100~1250~200\n")
    assert minutes(path, named("odd")) == {"IBM": {"13:30": ROW, "19:59": LAST_ROW}}


@pytest.mark.django_db
def test_a_mapping_that_is_not_there_names_those_that_are(settings: Any) -> None:
    settings.MARKETDATA_MAPPINGS = {"odd": {}}
    with pytest.raises(BadMapping, match="has no 'even', and none was kept under it: it has odd"):
        named("even")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"TIMEZONE": "UTC"}, "the options are COLUMNS"),
        ({"TZ": "New York"}, "is not a time zone"),
        ({"LABEL": "middle"}, "is not start or end"),
        ({"SCALE": 0}, "is not a number above 0"),
        ({"COLUMNS": {"price": "p"}}, "ours are time, symbol, open"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_reported(options: dict[str, Any], message: str) -> None:
    assert message in wrong("odd", options)[0]


def test_lines_and_rows_that_are_none_are_reported_with_their_line_and_text(tmp_path: Path) -> None:
    path = tmp_path / "A.csv"
    head = "time,open,high,low,close,volume"
    rows = [f"{Z[0]},{FIRST}", "", f"{Z[1]},10,11", f"{Z[1]},10,11,9,10,5,9", f"2025-07-02T19:58:00Z,{FIRST[:-3]}many"]
    path.write_text("\n".join([head, *rows, f"{Z[1]},{LAST}"]) + "\n")
    parts = split(read(path, FileForm()))
    assert [(row.line, row.reason, row.raw) for row in parts.rejected] == [
        (4, "the line has 3 of 6 columns", rows[2]),
        (5, "the line has 7 of 6 columns", rows[3]),
        (6, "volume, trade count or vwap is not a number", rows[4]),
    ]
    assert parts.days[0].bars.volume.tolist() == [100, 200]


def test_symbols_that_look_like_other_things_stay_symbols(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    rows = "".join(f"{symbol},{Z[0]},{FIRST}\n" for symbol in ("TRUE", "NA", "NAN", "T"))
    path.write_text("symbol,time,open,high,low,close,volume\n" + rows)
    assert sorted(minutes(path)) == ["NA", "NAN", "T", "TRUE"]


def test_rows_without_a_symbol_or_with_none_that_can_be_are_reported(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    rows = "".join(f"{symbol},{Z[0]},{FIRST}\n" for symbol in ("IBM", "", "A%", "AAPL", "a b"))
    path.write_text("symbol,time,open,high,low,close,volume\n" + rows)
    parts = split(read(path, FileForm()))
    assert [day.symbol for day in parts.days] == ["A.B", "AAPL", "IBM"]
    assert [(row.line, row.reason) for row in parts.rejected] == [
        (3, "'' is not a symbol"),
        (4, "'A%' is not a symbol"),
    ]


def test_a_file_with_only_a_head_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "A.csv"
    path.write_text("time,open,high,low,close,volume\n")
    assert minutes(path) == {}
