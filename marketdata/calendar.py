"""The calendar of New York's stocks, regular hours; `exchange_calendar` has others, and extended hours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from marketdata.exchange_calendar import NEW_YORK_STOCKS, calendar_of
from marketdata.exchange_schedule import FIRST, LAST
from marketdata.trading_day import TradingDay

__all__ = ["EXCHANGE", "FIRST", "FULL_DAY", "LAST", "NEW_YORK", "TradingDay", "calendar_of"]
EXCHANGE = NEW_YORK_STOCKS
NEW_YORK = ZoneInfo("America/New_York")
FULL_DAY = 390


def prepare() -> None:
    """Build the calendar now, where the seconds that its first building takes delay no reader."""
    assert calendar_of().days


def trading_day(date: dt.date) -> TradingDay:
    """Raises NotATradingDay, naming the nearest trading days."""
    return calendar_of().trading_day(date)


def is_trading_day(date: dt.date) -> bool:
    return calendar_of().is_trading_day(date)


def next_trading_day(date: dt.date) -> TradingDay:
    """The first session strictly after `date`."""
    return calendar_of().next_trading_day(date)


def previous_trading_day(date: dt.date) -> TradingDay:
    """The last session strictly before `date`."""
    return calendar_of().previous_trading_day(date)


def trading_days(start: dt.date, end: dt.date) -> list[TradingDay]:
    """Sessions from `start` to `end`, both included."""
    return calendar_of().trading_days(start, end)


def minutes_after(days: Sequence[TradingDay], moment: dt.datetime, minutes: int) -> dt.datetime:
    """The moment that many played minutes later; a second past the last day's end where the days end before it."""
    left = dt.timedelta(minutes=minutes)
    for day in days:
        begin = max(moment, day.begin)
        if begin < day.end and left <= day.end - begin:
            return begin + left
        left -= max(dt.timedelta(), day.end - begin)
    return days[-1].end + dt.timedelta(seconds=1)


def session_date_of(moment: dt.datetime) -> dt.date:
    """The New York date of a moment."""
    return moment.astimezone(NEW_YORK).date()


def why_closed(date: dt.date) -> str:
    """The weekday, the holiday's name, or "closed" where no rule says why."""
    return calendar_of().why_closed(date)
