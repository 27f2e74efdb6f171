"""The exchange's days as they were known on a date: unscheduled closings are known once they have happened."""

from __future__ import annotations

import datetime as dt

from marketdata.exchange_calendar import ExchangeCalendar
from marketdata.exchange_schedule import LAST
from marketdata.odd_hours import ODD_HOURS
from marketdata.trading_day import TradingDay


def foreseen_day(calendar: ExchangeCalendar, date: dt.date, today: dt.date) -> TradingDay | None:
    """The session of that date as it was expected on `today`; None where no session was."""
    held = calendar.days.get(date)
    if date <= today:
        return held
    if held is None:
        return None if date.weekday() >= 5 or date in calendar.schedule.holidays else calendar.usual_day(date)
    unscheduled = held.opens_late or date in ODD_HOURS.get(calendar.exchange, {})
    return calendar.usual_day(date) if unscheduled else held


def foreseen_days(calendar: ExchangeCalendar, start: dt.date, end: dt.date, today: dt.date) -> list[TradingDay]:
    """Sessions from `start` to `end`, both included."""
    dates = (start + dt.timedelta(days=n) for n in range((min(end, LAST) - start).days + 1))
    return [day for date in dates if (day := foreseen_day(calendar, date, today))]


def next_foreseen_day(calendar: ExchangeCalendar, date: dt.date, today: dt.date) -> TradingDay:
    """The first session strictly after `date`. Raises NotATradingDay at the calendar's end."""
    while date < LAST:
        date += dt.timedelta(days=1)
        if day := foreseen_day(calendar, date, today):
            return day
    return calendar.next_trading_day(date)
