"""`/v2/calendar`: trading days as the broker lists them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from marketdata import calendar
from marketdata.calendar import NEW_YORK, TradingDay
from streaming.gateway import moments
from streaming.gateway.errors import bad_request

EXTENDED_OPEN, EXTENDED_CLOSE = "0400", "2000"
SETTLES_NEXT_DAY_FROM = dt.date(2024, 5, 28)
SETTLES_IN_TWO_FROM = dt.date(2017, 9, 5)
LONGEST_SETTLEMENT = dt.timedelta(days=14)


def trading_days(start: str | None, end: str | None) -> list[dict[str, str]]:
    """Both ends included; dates or RFC 3339 moments, of which New York's date counts."""
    first = max(_date(start, "start") if start else calendar.FIRST, calendar.FIRST)
    last = min(_date(end, "end") if end else calendar.LAST, calendar.LAST)
    if first > last:
        raise bad_request("end should not be before start")
    days = calendar.trading_days(first, min(last + LONGEST_SETTLEMENT, calendar.LAST))
    listed = enumerate(day for day in days if day.date <= last)
    return [_row(day, _settlement(days, i)) for i, day in listed]


def _date(text: str, name: str) -> dt.date:
    return moments.new_york_date(moments.start_of(text, name))


def _row(day: TradingDay, settlement: dt.date) -> dict[str, str]:
    return {
        "date": day.date.isoformat(),
        "open": f"{day.open.astimezone(NEW_YORK):%H:%M}",
        "close": f"{day.close.astimezone(NEW_YORK):%H:%M}",
        "session_open": EXTENDED_OPEN,
        "session_close": EXTENDED_CLOSE,
        "settlement_date": settlement.isoformat(),
    }


def _settlement(days: Sequence[TradingDay], i: int) -> dt.date:
    """When a trade of day i settles: one, two or three trading days later, as the rule then was."""
    date = days[i].date
    later = 1 if date >= SETTLES_NEXT_DAY_FROM else 2 if date >= SETTLES_IN_TWO_FROM else 3
    return days[min(i + later, len(days) - 1)].date
