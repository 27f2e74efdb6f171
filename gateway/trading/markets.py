"""`/v3/clock` and `/v3/calendar`: the session's market with its phases."""

from __future__ import annotations

import datetime as dt
from typing import Any

from broker.refusals import malformed, unknown
from gateway.data import market_clock as clock
from gateway.trading.bot_calls import Call
from gateway.trading.market_calendar import settlement_of
from gateway.wire import moments
from marketdata.calendar import LAST, NEW_YORK, calendar_of
from marketdata.foreseen_days import foreseen_days, next_foreseen_day
from marketdata.hours import Hours
from marketdata.trading_day import TradingDay

MARKET = {
    "acronym": "NYSE",
    "mic": "XNYS",
    "name": "New York Stock Exchange",
    "timezone": "America/New_York",
}
NAMES = ("XNYS", "NYSE", "XNAS", "NASDAQ")
MOST_DAYS = 3660


def get_clock(call: Call) -> dict[str, Any]:
    at = clock.moving(call.session, dt.datetime.now(dt.UTC))
    extended = calendar_of(hours=Hours.EXTENDED)
    date = extended.session_date_of(at)
    day = extended.trading_day(date) if extended.is_trading_day(date) else None
    shown = clock.market_clock(at)
    phase, until = _phase(day, at) if day else ("closed", None)
    following = next_foreseen_day(extended, date, date).begin if until is None else until
    return {
        "clocks": [
            {
                "market": MARKET,
                "timestamp": shown["timestamp"],
                "is_market_day": day is not None,
                "next_market_open": shown["next_open"],
                "next_market_close": shown["next_close"],
                "phase": phase,
                "phase_until": _text(following),
            }
        ]
    }


def _phase(day: TradingDay, at: dt.datetime) -> tuple[str, dt.datetime | None]:
    for phase, until in (("closed", day.begin), ("pre", day.open), ("core", day.close), ("post", day.end)):
        if at < until:
            return phase, until
    return "closed", None


def get_calendar(call: Call, market: str) -> dict[str, Any]:
    if market.upper() not in NAMES:
        raise unknown(f"market not found: {market[:32]}")
    today = moments.new_york_date(clock.as_of(call.session))
    start = _date(call, "start") or today
    end = _date(call, "end") or start + dt.timedelta(days=7)
    if end < start:
        raise malformed("end should not be before start")
    if (end - start).days > MOST_DAYS:
        raise malformed(f"at most {MOST_DAYS} days are listed at once")
    known = calendar_of(hours=Hours.EXTENDED)
    days = foreseen_days(known, start, min(end, LAST), today)
    return {"market": MARKET, "calendar": [_row(day, today) for day in days]}


def _date(call: Call, name: str) -> dt.date | None:
    given = call.query.get(name)
    return moments.date_as_written(given, name) if given else None


def _row(day: TradingDay, today: dt.date) -> dict[str, Any]:
    return {
        "date": day.date.isoformat(),
        "core_start": _text(day.open),
        "core_end": _text(day.close),
        "pre_start": _text(day.begin),
        "pre_end": _text(day.open),
        "post_start": _text(day.close),
        "post_end": _text(day.end),
        "settlement_date": settlement_of(day.date, today).isoformat(),
    }


def _text(moment: dt.datetime) -> str:
    return moment.astimezone(NEW_YORK).isoformat()
