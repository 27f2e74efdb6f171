"""The sessions of the New York Stock Exchange by its own rules (nyse.com, Rule 7.2 and its list of early closes),
and the days on which it closed unforeseen: a second opinion on the calendar, for the years from 2008 to 2026."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dateutil.easter import easter

NEW_YORK = ZoneInfo("America/New_York")
UNFORESEEN = {
    dt.date(2012, 10, 29),  # a hurricane
    dt.date(2012, 10, 30),
    dt.date(2018, 12, 5),  # mourning for presidents
    dt.date(2025, 1, 9),
}
MONDAY, THURSDAY = 0, 3


class Session(NamedTuple):
    date: str
    open: dt.datetime
    close: dt.datetime
    minutes: int


def sessions(first: dt.date, last: dt.date) -> Iterator[Session]:
    day = first
    while day <= last:
        if day.weekday() < 5 and day not in UNFORESEEN and day not in holidays(day.year):
            opened = dt.datetime.combine(day, dt.time(9, 30), NEW_YORK)
            minutes = 210 if day in half_days(day.year) else 390
            closed = opened + dt.timedelta(minutes=minutes)
            yield Session(str(day), opened.astimezone(dt.UTC), closed.astimezone(dt.UTC), minutes)
        day += dt.timedelta(days=1)


def holidays(year: int) -> set[dt.date]:
    fixed = [dt.date(year, 7, 4), dt.date(year, 12, 25)]
    if year >= 2022:
        fixed.append(dt.date(year, 6, 19))
    days = {day + dt.timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0)) for day in fixed}
    new_year = dt.date(year, 1, 1)  # on a Saturday it is kept on no day, as the Friday ends a year
    if new_year.weekday() != 5:
        days.add(new_year + dt.timedelta(days=new_year.weekday() == 6))
    days |= {nth(year, 1, MONDAY, 3), nth(year, 2, MONDAY, 3), easter(year) - dt.timedelta(days=2)}
    days |= {nth(year, 6, MONDAY, 1) - dt.timedelta(days=7), nth(year, 9, MONDAY, 1), nth(year, 11, THURSDAY, 4)}
    return days


def half_days(year: int) -> set[dt.date]:
    """Those that end at one o'clock: after Thanksgiving, before Christmas and before Independence Day."""
    days = {nth(year, 11, THURSDAY, 4) + dt.timedelta(days=1)}
    christmas_eve, july_third = dt.date(year, 12, 24), dt.date(year, 7, 3)
    if christmas_eve.weekday() < 4:
        days.add(christmas_eve)
    if july_third.weekday() < 4:
        days.add(july_third)
    return days


def nth(year: int, month: int, weekday: int, count: int) -> dt.date:
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))
