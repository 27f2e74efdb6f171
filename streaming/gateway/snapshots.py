"""The latest that is known of a symbol: its last finished minute, its day so far, the day before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from streaming.gateway import bars
from streaming.gateway.days import Days, newest
from streaming.gateway.moments import midnight
from streaming.gateway.pagination import Row
from streaming.gateway.ticks import Ticks

LOOK_BACK = dt.timedelta(days=14)
"""How old the latest may be: longer than any run of holidays."""


def latest_bars(days: Days, symbols: Sequence[str]) -> dict[str, Row]:
    """Symbol → its last finished minute; symbols without one are absent."""
    found: dict[str, Row] = {}
    for symbol, rows in days.rows(symbols, days.today - LOOK_BACK, days.today).items():
        minutes = bars.aggregate(days.minutes(newest(rows, 2)), bars.MINUTE_BARS)
        if last := minutes.last():
            found[symbol] = last
    return found


def snapshots(days: Days, symbols: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Symbol → the five parts of its snapshot; symbols of which nothing is known are absent."""
    found: dict[str, dict[str, Any]] = {}
    trades, quotes = (Ticks(days.session, days.visible, kind).latest(symbols) for kind in ("trades", "quotes"))
    for symbol, rows in days.rows(symbols, days.today - LOOK_BACK, days.today).items():
        minutes = days.minutes(newest(rows, 3))
        if not len(minutes.bars):
            continue
        daily = bars.aggregate(minutes, bars.DAY)
        is_today = daily.stamps >= midnight(days.today)
        found[symbol] = {
            "latestTrade": trades.get(symbol),
            "latestQuote": quotes.get(symbol),
            "minuteBar": bars.aggregate(minutes, bars.MINUTE_BARS).last(),
            "dailyBar": daily.take(is_today).last(),
            "prevDailyBar": daily.take(~is_today).last(),
        }
    return found
