"""The latest that is known of a symbol: its last finished minute, its day so far, the day before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from gateway.data import bars, best_quotes
from gateway.data.day_cache import Days, newest
from gateway.data.made_ticks import newer
from gateway.data.page_tokens import Row
from gateway.data.trades_quotes import Ticks
from gateway.wire.moments import midnight

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


def latest_ticks(days: Days, kind: str, symbols: Sequence[str]) -> dict[str, Row]:
    """Symbol → its last trade or quote; of symbols whose bars are of a later day, made from the last bar."""
    recorded = _recorded(days, kind, symbols)
    minutes = latest_bars(days, symbols)
    return {symbol: row for symbol in symbols if (row := newer(kind, recorded.get(symbol), minutes.get(symbol)))}


def snapshots(days: Days, symbols: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Symbol → the five parts of its snapshot; symbols of which nothing is known are absent."""
    found: dict[str, dict[str, Any]] = {}
    trades, quotes = (_recorded(days, kind, symbols) for kind in ("trades", "quotes"))
    for symbol, rows in days.rows(symbols, days.today - LOOK_BACK, days.today).items():
        minutes = days.minutes(newest(rows, 3))
        if not len(minutes.bars):
            continue
        daily = bars.aggregate(minutes, bars.DAY)
        is_today = daily.stamps >= midnight(days.today)
        minute = bars.aggregate(minutes, bars.MINUTE_BARS).last()
        found[symbol] = {
            "latestTrade": newer("trades", trades.get(symbol), minute),
            "latestQuote": newer("quotes", quotes.get(symbol), minute),
            "minuteBar": minute,
            "dailyBar": daily.take(is_today).last(),
            "prevDailyBar": daily.take(~is_today).last(),
        }
    return found


def _recorded(days: Days, kind: str, symbols: Sequence[str]) -> dict[str, Row]:
    ticks = Ticks(days.session, days.as_of, kind)
    return best_quotes.latest(ticks, symbols) if kind == "quotes" else ticks.latest(symbols)
