"""`/v2/account/portfolio/history`: the account's equity in windows, as of the clock."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from broker.equity import equity_at
from broker.models import Account
from broker.refusals import malformed
from broker.standing import await_published
from broker.trader import date_of
from gateway.trading.bot_calls import Call
from gateway.wire import moments
from marketdata.trading_day import TradingDay
from marketdata.units import MINUTE_MS
from streaming.as_of.newest_frame import clock_ms

MINUTES = {"1Min": 1, "5Min": 5, "15Min": 15, "1H": 60}
DAY = "1D"
PERIOD = re.compile(r"(\d{1,4})(D|W|M|A)")
DAYS_OF = {"D": 1, "W": 7, "M": 31, "A": 366}
LONGEST_INTRADAY_DAYS = 31
MOST_WINDOWS = 20_000


@dataclass(frozen=True, slots=True)
class Window:
    """Left-labelled; `end_ms` is where its equity is taken."""

    start_ms: int
    end_ms: int
    date: dt.date


def get_history(call: Call) -> dict[str, Any]:
    await_published(call.account_id)
    now = clock_ms(call.session)
    first, last = _dates(call, now)
    timeframe = _timeframe(call.query, (last - first).days)
    days = [day for day in _trading_days(call, first, last) if _ms(day.open) <= now]
    windows = [window for day in days for window in _windows(day, timeframe, now)]
    if len(windows) > MOST_WINDOWS:
        raise malformed(f"this would be {len(windows)} windows: ask for {MOST_WINDOWS} at most, or a longer timeframe")
    return _body(call.account, call, windows, timeframe)


def _body(account: Account, call: Call, windows: list[Window], timeframe: str) -> dict[str, Any]:
    before = [windows[0].start_ms] if windows else []
    base, *equity = list(equity_at(account, call.session, [*before, *(each.end_ms for each in windows)])) or [
        account.cash
    ]
    resets = call.query.get("pnl_reset", "per_day") == "per_day" and timeframe != DAY
    bases = _bases(windows, equity, base) if resets else [base] * len(equity)
    profit = [value - each for value, each in zip(equity, bases, strict=True)]
    return {
        "timestamp": [each.start_ms // 1000 for each in windows],
        "equity": [float(value) for value in equity],
        "profit_loss": [float(value) for value in profit],
        "profit_loss_pct": [float(p / b) if b else None for p, b in zip(profit, bases, strict=True)],
        "base_value": float(base),
        "timeframe": timeframe,
        "cashflow": {},
    }


def _bases(windows: list[Window], equity: list[Decimal], base: Decimal) -> list[Decimal]:
    """For each window the equity before its day."""
    bases, day_base = [], base
    for i, window in enumerate(windows):
        if i and windows[i - 1].date != window.date:
            day_base = equity[i - 1]
        bases.append(day_base)
    return bases


def _dates(call: Call, now: int) -> tuple[dt.date, dt.date]:
    """First and last trading day asked for, within the account's life."""
    query, calendar = call.query, call.session.calendar
    start = query.get("start") or query.get("date_start")
    end = query.get("end") or query.get("date_end")
    if start and end and query.get("period"):
        raise malformed("only two of start, end and period are accepted")
    last = min(_date(end, "end") if end else date_of(calendar, now), date_of(calendar, now))
    opened = date_of(calendar, min(call.account.opened_ms, now))
    last = max(last, opened - dt.timedelta(days=1))  # earlier there is nothing
    if start:
        first = _date(start, "start")
    else:
        match = PERIOD.fullmatch(query.get("period") or "1M")
        if not match:
            raise malformed(f"period must be a number and one of D, W, M, A, as in 1M, not {query.get('period')!r}")
        count, unit = int(match[1]), match[2]
        first = last - dt.timedelta(days=min(count * DAYS_OF[unit], 36_600) - 1)
    return max(first, opened), last


def _date(text: str, name: str) -> dt.date:
    return moments.new_york_date(moments.start_of(text, name))


def _timeframe(query: Mapping[str, str], days: int) -> str:
    default = "1Min" if days < 7 else "15Min" if days < 30 else DAY
    given = query.get("timeframe") or default
    if given not in (*MINUTES, DAY):
        raise malformed(f"timeframe must be one of {', '.join((*MINUTES, DAY))}")
    if days > LONGEST_INTRADAY_DAYS and given != DAY:
        raise malformed("only the timeframe 1D is allowed for more than 30 days")
    return given


def _trading_days(call: Call, first: dt.date, last: dt.date) -> list[TradingDay]:
    return call.session.calendar.trading_days(first, last) if first <= last else []


def _windows(day: TradingDay, timeframe: str, now: int) -> list[Window]:
    """The day's windows that have begun; the running one ends at the clock."""
    start, close = _ms(day.open), _ms(day.close)
    step = close - start if timeframe == DAY else MINUTES[timeframe] * MINUTE_MS
    return [Window(at, min(at + step, close, now), day.date) for at in range(start, min(close, now), step)]


def _ms(moment: dt.datetime) -> int:
    return round(moment.timestamp() * 1000)
