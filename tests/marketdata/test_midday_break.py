"""Tokyo closes from 11:30 to 12:30: those minutes are none of the session's, in the store and on the way there."""

from __future__ import annotations

import datetime as dt
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command

from gateway.data.market_clock import market_clock
from marketdata.columns import BarColumns
from marketdata.coverage.facts import Question
from marketdata.coverage.status import data_status
from marketdata.derive import derive
from marketdata.exchange_calendar import calendar_of
from marketdata.gaps import find_gaps
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.tables.bar_reading import read
from marketdata.ledger import break_of, initial_ledger
from marketdata.models import DayVersion, Scope
from marketdata.quality import quality
from marketdata.trading_day import Break, TradingDay

DATE = dt.date(2025, 7, 8)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def day() -> TradingDay:
    return calendar_of("XTKS").trading_day(DATE)


def minutes(day: TradingDay, also: tuple[int, ...] = ()) -> list[int]:
    return sorted({*range(150), *range(210, day.minutes), *also})


def bars(day: TradingDay) -> BarColumns:
    offset = 60 * np.array(minutes(day), np.int64)
    price = np.full(len(offset), 100.0)
    return BarColumns(offset, price, price, price, price, price, np.full(len(offset), np.nan), price)


def written(folder: Path, day: TradingDay, shift: int = 0, also: tuple[int, ...] = ()) -> Path:
    opens = day.open + shift * 60 * MINUTE
    rows = [f"{opens + n * MINUTE:%Y-%m-%dT%H:%M:%SZ},100,101,99,100,{n + 1}" for n in minutes(day, also)]
    path = folder / "7203.csv"
    path.write_text("\n".join(["time,open,high,low,close,volume", *rows]) + "\n")
    return path


def imported(path: Path) -> None:
    call_command("import_bars", str(path), dataset="tokyo", calendar="XTKS", symbol="7203", verbosity=0)


def test_a_day_has_the_break_of_its_date(day: TradingDay) -> None:
    assert (day.minutes, day.midday, day.expected_minutes) == (390, Break(150, 210), 330)
    assert [f"{a:%H:%M}-{b:%H:%M}" for a, b in day.trading] == ["00:00-02:30", "03:30-06:30"]
    earlier = calendar_of("XTKS").trading_day(dt.date(2024, 7, 8))
    assert (earlier.expected_minutes, calendar_of().trading_day(DATE).expected_minutes) == (300, 390)


def test_the_ledger_has_a_letter_for_it_that_is_no_gap_and_counts_for_nothing(day: TradingDay) -> None:
    ledger = initial_ledger(60 * np.array(minutes(day), np.int64), day.minutes, day.midday)
    assert ledger == "T" * 150 + "B" * 60 + "T" * 180
    assert find_gaps(ledger, day.minutes) == []
    assert [quality(ledger, over).expected for over in (100, 180, 390)] == [100, 150, 330]
    assert quality(ledger, day.minutes).value == 1.0
    assert (break_of(ledger), break_of("TTAT")) == (day.midday, Break(0, 0))


def test_a_derived_bar_expects_no_minute_of_it_and_ends_where_it_begins(day: TradingDay) -> None:
    made = derive(bars(day), day.minutes, 60, midday=day.midday)
    assert (made.columns.offset // 3600).tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert (made.end_offset // 60).tolist() == [60, 120, 150, 240, 300, 360, 390]
    assert made.n_expected.tolist() == made.n_present.tolist() == [60, 60, 30, 30, 60, 60, 30]


@pytest.mark.django_db
def test_a_whole_day_is_whole_and_a_bar_within_the_break_is_outside_of_the_session(
    day: TradingDay, tmp_path: Path
) -> None:
    imported(written(tmp_path, day, also=(150,)))
    counts = dict(DayVersion.objects.values_list("scope", "row_count"))
    assert counts == {Scope.REGULAR: 330, Scope.EXTENDED: 1}
    (status,) = data_status(Question(("7203",)), "tokyo")
    assert (status.total.expected, status.total.quality, status.total.longest_gap) == (330, 1.0, 0)
    assert not [note for note in status.notes if note.kind in ("feed hole", "gap")]


@pytest.mark.django_db
def test_an_export_of_hours_expects_what_the_day_trades(day: TradingDay, tmp_path: Path) -> None:
    imported(written(tmp_path, day))
    out = StringIO()
    call_command("export_bars", "7203", dataset="tokyo", interval="1h", stdout=out, stderr=StringIO())
    header, *rows = (line.split(",") for line in out.getvalue().splitlines())
    assert [int(row[header.index("n_expected")]) for row in rows] == [60, 60, 30, 30, 60, 60, 30]


@pytest.mark.django_db
def test_a_file_whose_clock_is_hours_off_is_refused_even_without_the_days_edges(
    day: TradingDay, tmp_path: Path
) -> None:
    for shift in (9, 1, -1):
        path = written(tmp_path, day, shift)
        head, *rows = path.read_text().splitlines()
        path.write_text("\n".join([head, *rows[7:-11]]) + "\n")
        with pytest.raises(UnreadableFile, match="lie outside of the session"):
            read(path, FileForm(symbol="7203", exchange="XTKS"))
    assert len(read(written(tmp_path, day), FileForm(symbol="7203", exchange="XTKS")))


def test_the_market_is_closed_in_the_break(day: TradingDay) -> None:
    shown = market_clock(day.open + 180 * MINUTE, calendar_of("XTKS"))
    assert (shown["is_open"], shown["next_open"], shown["next_close"]) == (
        False,
        "2025-07-07T23:30:00-04:00",
        "2025-07-08T02:30:00-04:00",
    )
    morning = market_clock(day.open, calendar_of("XTKS"))
    assert (morning["is_open"], morning["next_close"]) == (True, "2025-07-07T22:30:00-04:00")
    assert market_clock(day.open + 210 * MINUTE, calendar_of("XTKS"))["is_open"]
