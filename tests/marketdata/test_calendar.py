"""The exchange's calendar, against sessions written down elsewhere."""

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from marketdata import calendar
from marketdata.errors import BadInterval, NotATradingDay
from marketdata.exchange_calendar import calendar_of
from marketdata.hours import Hours
from marketdata.intervals import DAY, interval_name, parse_interval
from tests import nyse_rules


def test_every_session_of_eighteen_years_agrees_with_the_reference(shared_data: Path) -> None:
    rows = pd.read_csv(shared_data / "reference" / "xnys_sessions.csv.gz", parse_dates=["open", "close"])
    first, last = (dt.date.fromisoformat(rows.session.iloc[i]) for i in (0, -1))
    found = [(str(day.date), day.open, day.close, day.minutes) for day in calendar.trading_days(first, last)]
    assert found == list(rows.itertuples(index=False, name=None))


def test_every_session_of_nineteen_years_agrees_with_the_exchanges_rules() -> None:
    first, last = dt.date(2008, 1, 1), dt.date(2026, 12, 31)
    found = [(str(day.date), day.open, day.close, day.minutes) for day in calendar.trading_days(first, last)]
    assert found == list(nyse_rules.sessions(first, last))


@pytest.mark.parametrize(
    ("date", "why", "nearest"),
    [
        ("2024-11-28", "Thanksgiving", "2024-11-27 and 2024-11-29"),
        ("2025-07-05", "Saturday", "2025-07-03 and 2025-07-07"),
    ],
)
def test_a_closed_day_is_refused_with_the_reason_and_the_nearest(date: str, why: str, nearest: str) -> None:
    with pytest.raises(NotATradingDay, match=rf"{date} is not a trading day of XNYS \({why}.*{nearest}"):
        calendar.trading_day(dt.date.fromisoformat(date))


def test_a_date_beyond_the_calendar_is_refused_with_its_bounds() -> None:
    with pytest.raises(NotATradingDay, match="reaches from 1990-01-01"):
        calendar.is_trading_day(dt.date(1989, 12, 29))


def test_the_day_after_a_half_day_and_a_holiday_is_monday() -> None:
    assert calendar.trading_day(dt.date(2025, 7, 3)).is_half_day
    assert calendar.next_trading_day(dt.date(2025, 7, 3)).date == dt.date(2025, 7, 7)


def test_an_evening_print_belongs_to_new_yorks_date() -> None:
    assert calendar.session_date_of(dt.datetime(2025, 7, 3, 1, 0, tzinfo=dt.UTC)) == dt.date(2025, 7, 2)


@pytest.mark.parametrize(("name", "minutes"), [("1m", 1), ("15m", 15), ("1h", 60), ("7m", 7), ("1d", DAY)])
def test_intervals_have_one_name_each(name: str, minutes: int) -> None:
    assert parse_interval(name) == minutes
    assert interval_name(minutes) == name


@pytest.mark.parametrize("text", ["", "0m", "5", "m", "-5m", "5x", "2d", "1.5h"])
def test_what_is_no_interval_is_named(text: str) -> None:
    with pytest.raises(BadInterval, match="is not an interval: give minutes"):
        parse_interval(text)


@pytest.mark.parametrize(
    ("date", "opens", "closes", "minutes"),
    [
        ("2002-09-11", "12:00", "16:00", 240),
        ("1996-01-08", "11:00", "14:00", 180),
        ("2005-06-01", "09:30", "15:56", 386),
        ("1995-12-18", "10:30", "16:00", 330),
        ("2001-09-17", "09:33", "16:00", 387),
    ],
)
def test_a_day_of_odd_hours_is_as_it_was(date: str, opens: str, closes: str, minutes: int) -> None:
    day = calendar.trading_day(dt.date.fromisoformat(date))
    shown = [f"{moment.astimezone(calendar.NEW_YORK):%H:%M}" for moment in (day.open, day.close)]
    assert (*shown, day.minutes) == (opens, closes, minutes)
    assert (day.opens_late, day.closes_early) == (opens != "09:30", closes != "16:00")


@pytest.mark.parametrize(("date", "end"), [("2025-11-26", "20:00"), ("2025-11-28", "17:00"), ("2005-06-01", "20:00")])
def test_extended_hours_are_from_four_to_eight_and_to_five_on_half_days(date: str, end: str) -> None:
    day = calendar_of(hours="extended").trading_day(dt.date.fromisoformat(date))
    assert [f"{moment.astimezone(calendar.NEW_YORK):%H:%M}" for moment in (day.begin, day.end)] == ["04:00", end]
    regular = calendar.trading_day(day.date)
    assert (day.open, day.close, day.minutes) == (regular.open, regular.close, regular.minutes)
    assert (regular.begin, regular.end) == (regular.open, regular.close)


def test_an_exchange_has_one_calendar_however_it_is_asked_for() -> None:
    """Each of the three was built on its own: a quarter of a second and some megabytes in every process."""
    assert calendar_of() is calendar_of("XNYS") is calendar_of("XNYS", Hours.REGULAR)
    assert calendar_of() is not calendar_of(hours=Hours.EXTENDED)
