"""The calendar's file: what the library says, made once, and no process that reads it imports pandas."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import exchange_calendars
import pytest

from marketdata import exchange_schedule
from marketdata.calendar import EXCHANGE
from marketdata.errors import UnknownExchange
from marketdata.exchange_schedule import FIRST, LAST
from tests.own_services import ROOT

PROJECT = ROOT.parents[1]


def test_the_file_has_what_the_library_has(tmp_path: Path) -> None:
    schedule = exchange_schedule.load(tmp_path, EXCHANGE)
    library = exchange_calendars.get_calendar(EXCHANGE, start=FIRST, end=LAST)
    rows = zip(library.schedule.index, library.schedule["open"], library.schedule["close"], strict=True)
    assert schedule.sessions == [
        (day.date(), opened.to_pydatetime(), closed.to_pydatetime()) for day, opened, closed in rows
    ]
    assert schedule.early_closes == {day.date() for day in library.early_closes}
    assert schedule.zone.key == "America/New_York"
    assert schedule.holidays[dt.date(2025, 7, 4)] == "July 4th"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_that_is_there_is_read_and_pandas_is_not_imported(tmp_path: Path) -> None:
    exchange_schedule.load(tmp_path, EXCHANGE)
    (kept,) = tmp_path.iterdir()
    written = kept.stat().st_mtime_ns
    report = f"exchange_schedule.load(Path({str(tmp_path)!r}), {EXCHANGE!r}); print('pandas' in sys.modules)"
    program = f"import sys; from pathlib import Path; from marketdata import exchange_schedule; {report}"
    answer = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"
    assert kept.stat().st_mtime_ns == written


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[1]", b'{"sessions": [["2025", 1]], "holidays": {}}'])
def test_a_file_that_is_not_readable_is_made_again(tmp_path: Path, content: bytes) -> None:
    good = exchange_schedule.load(tmp_path, EXCHANGE)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(content)
    assert exchange_schedule.load(tmp_path, EXCHANGE) == good
    assert len(kept.read_bytes()) > 100_000


def test_a_folder_that_cannot_be_made_costs_time_and_no_answer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    schedule = exchange_schedule.load(tmp_path / "file" / "calendar", EXCHANGE)
    assert schedule.sessions[-1][0] == dt.date(2035, 12, 31)


def test_an_exchange_that_the_library_does_not_have_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnknownExchange, match="no calendar 'NOWHERE'"):
        exchange_schedule.load(tmp_path, "NOWHERE")
