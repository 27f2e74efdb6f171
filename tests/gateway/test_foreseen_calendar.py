"""A bot's calendar: closings that nobody had scheduled are known once they have happened."""

from __future__ import annotations

import datetime as dt

import pytest

from gateway.data.market_clock import market_clock
from gateway.trading.market_calendar import settlement_of, trading_days
from marketdata.calendar import NEW_YORK, calendar_of

FRIDAY, MONDAY, WEDNESDAY = dt.date(2012, 10, 26), dt.date(2012, 10, 29), dt.date(2012, 10, 31)
"""Before the storm that closed the exchange on Monday and Tuesday; and after."""


def dates(today: dt.date, start: str = "2012-10-26", end: str = "2012-10-31") -> list[str]:
    return [row["date"][-2:] for row in trading_days(start, end, today)]


def test_a_storm_is_known_when_it_has_come() -> None:
    assert dates(FRIDAY) == ["26", "29", "30", "31"]
    assert dates(MONDAY) == ["26", "30", "31"]
    assert dates(WEDNESDAY) == ["26", "31"]


def test_the_clock_names_the_open_that_was_expected() -> None:
    friday = market_clock(dt.datetime(2012, 10, 26, 11, tzinfo=NEW_YORK))
    assert friday["next_open"].startswith("2012-10-29T09:30")
    evening = market_clock(dt.datetime(2012, 10, 26, 17, tzinfo=NEW_YORK))
    assert (evening["next_open"][:16], evening["next_close"][:16]) == ("2012-10-29T09:30", "2012-10-29T16:00")


def test_holidays_and_half_days_are_known_years_ahead() -> None:
    rows = trading_days("2024-11-27", "2024-12-02", dt.date(2020, 1, 2))
    assert [(row["date"][-5:], row["close"]) for row in rows] == [
        ("11-27", "16:00"),
        ("11-29", "13:00"),
        ("12-02", "16:00"),
    ]


@pytest.mark.parametrize(("today", "opened"), [(dt.date(2002, 9, 10), "09:30"), (dt.date(2002, 9, 11), "12:00")])
def test_a_late_open_is_known_on_its_day(today: dt.date, opened: str) -> None:
    (row,) = trading_days("2002-09-11", "2002-09-11", today)
    assert row["open"] == opened


def test_a_trade_settles_when_it_was_expected_to() -> None:
    assert settlement_of(FRIDAY, FRIDAY) == WEDNESDAY
    assert settlement_of(FRIDAY, dt.date(2012, 11, 5)) == dt.date(2012, 11, 2)


def test_a_day_that_was_expected_has_its_exchanges_usual_hours() -> None:
    london = calendar_of("XLON").usual_day(dt.date(2022, 9, 19))
    assert (london.open.hour, london.close.hour, london.close.minute) == (7, 15, 30)
