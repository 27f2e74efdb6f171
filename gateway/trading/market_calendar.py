"""`/v2/calendar`: trading days as the broker lists them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from gateway.wire.moments import date_as_written
from gateway.wire.wire_errors import bad_request
from marketdata import calendar
from marketdata.calendar import NEW_YORK, TradingDay, calendar_of
from marketdata.foreseen_days import foreseen_days
from marketdata.hours import Hours

SETTLES_NEXT_DAY_FROM = dt.date(2024, 5, 28)
SETTLES_IN_TWO_FROM = dt.date(2017, 9, 5)
LONGEST_SETTLEMENT = dt.timedelta(days=14)


def trading_days(start: str | None, end: str | None, today: dt.date) -> list[dict[str, str]]:
    """Both ends included; dates or RFC 3339 moments, of which the date counts as written. As known on `today`."""
    first = max(date_as_written(start, "start") if start else calendar.FIRST, calendar.FIRST)
    last = min(date_as_written(end, "end") if end else calendar.LAST, calendar.LAST)
    if first > last:
        raise bad_request("end should not be before start")
    days = foreseen_days(calendar_of(hours=Hours.EXTENDED), first, last + LONGEST_SETTLEMENT, today)
    listed = enumerate(day for day in days if day.date <= last)
    return [_row(day, _settlement(days, i)) for i, day in listed]


def _row(day: TradingDay, settlement: dt.date) -> dict[str, str]:
    return {
        "date": day.date.isoformat(),
        "open": f"{day.open.astimezone(NEW_YORK):%H:%M}",
        "close": f"{day.close.astimezone(NEW_YORK):%H:%M}",
        "session_open": f"{day.begin.astimezone(NEW_YORK):%H%M}",
        "session_close": f"{day.end.astimezone(NEW_YORK):%H%M}",
        "settlement_date": settlement.isoformat(),
    }


def settlement_of(date: dt.date, today: dt.date) -> dt.date:
    """When a trade of that day settles, as known on `today`."""
    return _settlement(foreseen_days(calendar_of(), date, date + LONGEST_SETTLEMENT, today), 0)


def _settlement(days: Sequence[TradingDay], i: int) -> dt.date:
    """When a trade of day i settles: one, two or three trading days later, as the rule then was."""
    date = days[i].date
    later = 1 if date >= SETTLES_NEXT_DAY_FROM else 2 if date >= SETTLES_IN_TWO_FROM else 3
    return days[min(i + later, len(days) - 1)].date
