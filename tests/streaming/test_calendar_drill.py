"""The drill agrees with sessions written down elsewhere, names what is special, and can fail."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import tracemalloc
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from marketdata.calendar import TradingDay, trading_day
from streaming.verify import calendar_drill as drills
from streaming.verify.calendar_drill import DrilledDay, drill
from tests import nyse_rules


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("calendar_drill", *arguments, "--json", stdout=out, stderr=StringIO())
    return dict(json.loads(out.getvalue()))


def drilled(first: str, last: str) -> dict[str, DrilledDay]:
    days = drill(dt.date.fromisoformat(first), dt.date.fromisoformat(last))
    return {str(day.day.date): day for day in days}


def test_eighteen_years_have_no_fault_and_agree_with_the_exchanges_rules(tmp_path: Path) -> None:
    path = tmp_path / "sessions.csv"
    sessions = nyse_rules.sessions(dt.date(2008, 1, 1), dt.date(2026, 12, 31))
    path.write_text(
        "session,open,close\n" + "".join(f"{day},{opened},{closed}\n" for day, opened, closed, _ in sessions)
    )
    reported = run("--years", "18", "--end", "2026-12-31", "--against", str(path))
    assert reported["faults"] == []
    assert reported["days"] == 4780
    kinds = reported["kinds"]
    assert (kinds["daylight saving begins"], kinds["daylight saving ends"], kinds["unscheduled closure"]) == (19, 19, 4)


def test_a_reference_that_differs_is_reported_date_by_date(tmp_path: Path) -> None:
    rows = [
        "2024-11-27,2024-11-27T14:30:00Z,2024-11-27T21:00:00Z",
        "2024-11-28,2024-11-28T14:30:00Z,2024-11-28T21:00:00Z",
    ]
    rows += ["2024-11-29,2024-11-29T14:30:00Z,2024-11-29T21:00:00Z"]
    path = tmp_path / "sessions.csv"
    path.write_text("session,open,close\n" + "\n".join(rows) + "\n")
    with pytest.raises(CommandError, match=r"(?s)2024-11-28: .*the calendar None.*2024-11-29: .*18, 0") as reported:
        run("--years", "1", "--end", "2024-12-31", "--against", str(path))
    assert "2024-11-27" not in str(reported.value).split("2024-11-28")[0]


def test_a_reference_that_unpacks_to_too_much_is_refused(tmp_path: Path, settings: Any) -> None:
    path = tmp_path / "sessions.csv.gz"
    path.write_bytes(gzip.compress(b"session,open,close\n" + b" " * 20_000_000))
    settings.MARKETDATA_UNPACKED_BYTES = 1_000_000
    tracemalloc.start()
    try:
        with pytest.raises(CommandError, match="holds more than 1,000,000 bytes when unpacked"):
            run("--years", "1", "--end", "2024-12-31", "--against", str(path))
        assert tracemalloc.get_traced_memory()[1] < 16_000_000
    finally:
        tracemalloc.stop()


NO_REFERENCES = {
    "no gzip": b"no gzip",
    "other columns": gzip.compress(b"a,b\n1,2\n"),
    "cut off": gzip.compress(b"session,open\n" * 99)[:-20],
    "empty": b"",
}


@pytest.mark.parametrize("content", NO_REFERENCES.values(), ids=NO_REFERENCES)
def test_a_reference_that_cannot_be_read_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sessions.csv.gz"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=r"sessions\.csv\.gz cannot be read as rows of session,open,close: "):
        run("--years", "1", "--end", "2024-12-31", "--against", str(path))


def test_a_half_day_before_a_holiday_prefetches_at_half_past_twelve_and_rolls_over_to_monday() -> None:
    day = drilled("2025-07-02", "2025-07-08")["2025-07-03"]
    assert day.special == ["half day", "then July 4th 2025-07-04"]
    assert day.prefetch_at == dt.datetime(2025, 7, 3, 16, 30, tzinfo=dt.UTC)
    assert (day.rollover_to, day.counts) == (dt.date(2025, 7, 7), (42, 14, 7, 4, 1))


@pytest.mark.parametrize(
    ("date", "special", "rollover"),
    [
        ("2012-10-26", ["then unscheduled closure 2012-10-29", "then unscheduled closure 2012-10-30"], "2012-10-31"),
        ("2025-01-08", ["then unscheduled closure 2025-01-09"], "2025-01-10"),
        ("2024-03-11", ["daylight saving begins: UTC moves, New York does not"], "2024-03-12"),
        ("2024-11-04", ["daylight saving ends: UTC moves, New York does not"], "2024-11-05"),
    ],
)
def test_storms_mourning_and_clock_changes_are_named(date: str, special: list[str], rollover: str) -> None:
    around = dt.date.fromisoformat(date)
    day = drilled(str(around - dt.timedelta(days=5)), str(around + dt.timedelta(days=7)))[date]
    assert (day.special, str(day.rollover_to), day.faults) == (special, rollover, [])


def test_prefetch_is_at_half_past_three_on_both_sides_of_a_clock_change() -> None:
    week = drilled("2024-03-08", "2024-03-11")
    assert [f"{day.prefetch_at:%H:%M}" for day in week.values()] == ["20:30", "19:30"]


def test_a_day_of_the_wrong_length_a_wrong_rollover_and_wrong_counts_are_faults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = trading_day(dt.date(2024, 11, 18))
    long = TradingDay(right.date, right.open, right.close + dt.timedelta(minutes=1))
    monkeypatch.setattr(drills, "trading_days", lambda days_of, first, last: [long, trading_day(dt.date(2024, 11, 20))])
    faults = drill(right.date, right.date)[0].faults
    assert "derived bars (79, 27, 14, 7, 1)" not in faults
    assert any(fault.startswith("the next trading day is 2024-11-19, not 2024-11-20") for fault in faults)
    assert any(fault.startswith("the day before 2024-11-20") for fault in faults)
    monkeypatch.setitem(drills.COUNTS, 390, (78, 26, 13, 8, 1))
    monkeypatch.undo()
    monkeypatch.setitem(drills.COUNTS, 390, (78, 26, 13, 8, 1))
    assert drill(right.date, right.date)[0].faults == ["derived bars (78, 26, 13, 7, 1), not (78, 26, 13, 8, 1)"]


def test_the_table_prints_what_is_special_and_nothing_else() -> None:
    out = StringIO()
    call_command("calendar_drill", "--years", "1", "--end", "2025-07-31", stdout=out, stderr=StringIO())
    rows = out.getvalue()
    assert "2025-07-03 Thu  half day; then July 4th 2025-07-04" in rows
    assert "2025-07-02" not in rows


@pytest.mark.parametrize("exchange", ["XLON", "XTKS", "XTSE", "CMES", "24/7"])
def test_other_calendars_have_no_fault_either(exchange: str) -> None:
    reported = run("--years", "2", "--end", "2025-12-31", "--calendar", exchange)
    assert reported["faults"] == []
    assert reported["calendar"] == exchange and reported["days"] > 480


def test_a_calendar_that_does_not_exist_is_refused_with_examples() -> None:
    with pytest.raises(CommandError, match=r"no calendar 'XMOON'.*e\.g\. XNYS, XLON"):
        run("--calendar", "XMOON")
