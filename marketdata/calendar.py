"""The exchange's calendar: the only module that knows New York time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from marketdata.errors import NotATradingDay

EXCHANGE = "XNYS"
NEW_YORK = ZoneInfo("America/New_York")
FIRST = dt.date(1990, 1, 1)
LAST = dt.date(2035, 12, 31)
FULL_DAY = 390


@dataclass(frozen=True, slots=True)
class TradingDay:
    """A session: open and close in UTC, as that date had them."""

    date: dt.date
    open: dt.datetime
    close: dt.datetime

    @property
    def minutes(self) -> int:
        return round((self.close - self.open).total_seconds() / 60)

    @property
    def is_half_day(self) -> bool:
        return self.minutes < FULL_DAY


@cache
def _calendar() -> Any:
    """The library and pandas under it take a second and a half to import: only whoever asks pays."""
    import exchange_calendars

    return exchange_calendars.get_calendar(EXCHANGE, start=FIRST, end=LAST)


@cache
def _days() -> dict[dt.date, TradingDay]:
    """All sessions within the bounds. Bounds are explicit: the library's defaults are fixed at its import."""
    schedule = _calendar().schedule
    rows = zip(schedule.index, schedule["open"], schedule["close"], strict=True)
    return {stamp.date(): TradingDay(stamp.date(), _utc(opened), _utc(closed)) for stamp, opened, closed in rows}


def _utc(stamp: Any) -> dt.datetime:
    moment: dt.datetime = stamp.to_pydatetime().astimezone(dt.UTC)
    return moment


@cache
def _dates() -> list[dt.date]:
    return list(_days())


def prepare() -> None:
    """Build the calendar now, where the two seconds that it takes are in nobody's way."""
    _days()


def trading_day(date: dt.date) -> TradingDay:
    """Raises NotATradingDay, naming the nearest trading days."""
    found = _days().get(date)
    if found is None:
        _within(date)
        before, after = previous_trading_day(date).date, next_trading_day(date).date
        raise NotATradingDay(
            f"{date} is not a trading day of {EXCHANGE} ({why_closed(date)}): the nearest are {before} and {after}."
        )
    return found


def is_trading_day(date: dt.date) -> bool:
    _within(date)
    return date in _days()


def next_trading_day(date: dt.date) -> TradingDay:
    """The first session strictly after `date`."""
    days = _days()
    while (date := date + dt.timedelta(days=1)) not in days:
        _within(date)
    return days[date]


def previous_trading_day(date: dt.date) -> TradingDay:
    """The last session strictly before `date`."""
    days = _days()
    while (date := date - dt.timedelta(days=1)) not in days:
        _within(date)
    return days[date]


def trading_days(start: dt.date, end: dt.date) -> list[TradingDay]:
    """Sessions from `start` to `end`, both included."""
    _within(start)
    _within(end)
    return [day for date, day in _days().items() if start <= date <= end]


def minutes_after(days: Sequence[TradingDay], moment: dt.datetime, minutes: int) -> dt.datetime:
    """The moment that many session minutes later; a second past the last close where the days end before it."""
    left = dt.timedelta(minutes=minutes)
    for day in days:
        begin = max(moment, day.open)
        if begin < day.close and left <= day.close - begin:
            return begin + left
        left -= max(dt.timedelta(), day.close - begin)
    return days[-1].close + dt.timedelta(seconds=1)


def session_date_of(moment: dt.datetime) -> dt.date:
    """The New York date of a moment."""
    return moment.astimezone(NEW_YORK).date()


def exchange_time(moment: dt.datetime) -> dt.datetime:
    """A moment as the exchange's clock shows it: for people, never to reckon with."""
    return moment.astimezone(NEW_YORK)


def minute_of(opened: dt.datetime, minute: int) -> dt.datetime:
    """The start of a session minute as the exchange's clock shows it."""
    return exchange_time(opened + dt.timedelta(minutes=minute))


def _within(date: dt.date) -> None:
    if not FIRST <= date <= LAST:
        raise NotATradingDay(f"{date} is outside the calendar: it reaches from {FIRST} to {LAST}.")


def why_closed(date: dt.date) -> str:
    """The weekday, the holiday's name, or "closed" where no rule says why."""
    """What makes a date no trading day: the weekday's name, the holiday's, or just "closed"."""
    if date.weekday() >= 5:
        return f"{date:%A}"
    return _holidays().get(date, "closed")


@cache
def _holidays() -> dict[dt.date, str]:
    """Names of all holidays that a rule sets; a storm or a day of mourning has none."""
    found = _calendar().regular_holidays.holidays(FIRST, LAST, return_name=True)
    return {stamp.date(): str(name) for stamp, name in found.items()}
