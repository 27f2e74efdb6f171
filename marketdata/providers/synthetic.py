"""A market that never was: deterministic per (symbol, date), so that everything works without network or key."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from marketdata.calendar import TradingDay, previous_trading_day, trading_days
from marketdata.columns import BarColumns, Floats, TickColumns, join_ticks
from marketdata.errors import NoData, UnknownSymbol
from marketdata.exchange_calendar import NEW_YORK_STOCKS
from marketdata.providers.base import BarsAnswer, DatasetSpec, Label, NoDataExists, Rows
from marketdata.providers.synthetic_ticks import LEAST_TRADES, make_quotes, make_trades
from marketdata.providers.tick_fetching import TicksAnswer
from marketdata.units import SECOND_NS

TICKER = re.compile(r"[A-Z][A-Z0-9]{0,5}(\.[A-Z]{1,3})?")
TICK = 0.01
DAILY_VOLATILITY, OVERNIGHT_VOLATILITY = 0.014, 0.006
CYCLE = 256
"""Days of the closed walk that closing prices follow: any day's price is found without the days before it."""
ACTIVE = frozenset({"AAPL", "MSFT", "SPY", "QQQ", "AMZN", "NVDA", "TSLA", "IBM"})


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class SyntheticProvider:
    """Tick-size prices, U-shaped volume, overnight gaps, quiet minutes, half days. Typed synthetic everywhere.

    `now` says what is over: like any vendor it has no day before its close.
    """

    label: Label = "start"
    authoritative = True
    exchanges = (NEW_YORK_STOCKS,)
    dataset = DatasetSpec("synthetic", "synthetic", synthetic=True)

    def __init__(self, name: str, now: Callable[[], dt.datetime] = _utc_now) -> None:
        self.name = name
        self.now = now

    def fetch_bars(self, symbol: str, start: dt.datetime, end: dt.datetime, interval: str = "1m") -> BarsAnswer:
        if interval != "1m":
            raise NoData(f"{self.name} makes minutes only, no {interval}.")
        days = self._days(symbol, start, end)
        if isinstance(days, NoDataExists):
            return days
        parts = [make_day(symbol, day) for day in days]
        opens = [round(day.open.timestamp()) for day in days]
        stamps = np.concatenate([bars.offset + opened for bars, opened in zip(parts, opens, strict=True)])
        columns = (np.concatenate([getattr(bars, name) for bars in parts]) for name in BarColumns.__slots__)
        inside = (stamps >= start.timestamp()) & (stamps < end.timestamp())
        return Rows(stamps[inside], BarColumns(*columns).take(inside))

    def fetch_trades(self, symbol: str, start: dt.datetime, end: dt.datetime) -> TicksAnswer:
        days = self._days(symbol, start, end)
        if isinstance(days, NoDataExists):
            return days
        return _within([(day, make_trades(symbol, day.date, make_day(symbol, day))) for day in days], start, end)

    def fetch_quotes(self, symbol: str, start: dt.datetime, end: dt.datetime) -> TicksAnswer:
        days = self._days(symbol, start, end)
        if isinstance(days, NoDataExists):
            return days
        trades = [(day, make_trades(symbol, day.date, make_day(symbol, day))) for day in days]
        return _within([(day, make_quotes(symbol, day.date, rows)) for day, rows in trades], start, end)

    def _days(self, symbol: str, start: dt.datetime, end: dt.datetime) -> list[TradingDay] | NoDataExists:
        """The sessions of the window that are over."""
        if not TICKER.fullmatch(symbol):
            raise UnknownSymbol(f"{symbol!r} is not a ticker: one to six capitals or digits, e.g. AAPL or BRK.B.")
        asked = [day for day in trading_days(start.date(), end.date()) if day.open < end and day.close > start]
        if not asked:
            return NoDataExists(f"the exchange was closed from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC")
        now = self.now()
        days = [day for day in asked if day.close <= now]
        if not days:
            return NoDataExists(
                f"{asked[0].date} is not over: the market closes at {asked[0].close:%Y-%m-%d %H:%M} UTC"
            )
        return days


def _within(days: list[tuple[TradingDay, TickColumns]], start: dt.datetime, end: dt.datetime) -> TickColumns:
    """The days' events of the window, stamped since the epoch."""
    parts = [replace(rows, at=rows.at + round(day.open.timestamp()) * SECOND_NS) for day, rows in days]
    whole = join_ticks(parts[0].kind, parts)
    first, last = (int(moment.timestamp() * 1_000_000) * 1000 for moment in (start, end))
    return whole.take((whole.at >= first) & (whole.at < last))


def make_day(symbol: str, day: TradingDay) -> BarColumns:
    """One day of minutes; the same bytes for the same symbol and date, on every machine."""
    rng = _generator(symbol, day.date.isoformat())
    n = day.minutes
    prices = _path(rng, *_ends(symbol, day.date), n)
    volume = _volume(rng, n, _liquidity(symbol))
    open_, close = prices[:-1], prices[1:]
    reach = np.abs(rng.normal(0, DAILY_VOLATILITY / np.sqrt(n), (2, n))) * open_
    high = _tick(np.maximum(open_, close) + reach[0])
    low = np.maximum(_tick(np.minimum(open_, close) - reach[1]), TICK)
    vwap = np.round((open_ + close + high + low) / 4, 4)
    trades = np.maximum(LEAST_TRADES, np.floor(volume / rng.uniform(60, 140, n)))
    bars = BarColumns(np.arange(n, dtype=np.int64) * 60, open_, high, low, close, volume, trades, vwap)
    return _without_quiet_minutes(rng, symbol, bars)


def _without_quiet_minutes(rng: np.random.Generator, symbol: str, bars: BarColumns) -> BarColumns:
    """Thin symbols have minutes without a trade; the price then moves with the next one."""
    quiet = rng.random(len(bars)) < (0.0 if symbol in ACTIVE else 0.25 * (1 - _unit(symbol, "liquidity")))
    quiet[0] = False
    kept = bars.take(~quiet)
    opens = kept.open.copy()
    opens[1:] = kept.close[:-1]
    return replace(kept, open=opens, high=np.maximum(kept.high, opens), low=np.minimum(kept.low, opens))


def _ends(symbol: str, date: dt.date) -> tuple[float, float]:
    """The day's first and last price: the last session's close with a gap, and today's close."""
    gap = 1 + OVERNIGHT_VOLATILITY * float(_generator(symbol, f"gap {date}").standard_normal())
    return _close(symbol, previous_trading_day(date).date) * gap, _close(symbol, date)


def _close(symbol: str, date: dt.date) -> float:
    base = 15 + 385 * _unit(symbol, "price") ** 2
    steps = _generator(symbol, "walk").normal(0, DAILY_VOLATILITY, CYCLE)
    walk = np.cumsum(steps - steps.mean())
    return float(base * np.exp(walk[date.toordinal() % CYCLE]))


def _path(rng: np.random.Generator, first: float, last: float, n: int) -> Floats:
    """n + 1 prices from first to last: a Brownian bridge, rounded to the tick."""
    noise = np.concatenate([[0.0], np.cumsum(rng.normal(0, DAILY_VOLATILITY / np.sqrt(n), n))])
    along = np.linspace(0, 1, n + 1)
    bridge = noise - along * noise[-1]
    return _tick(np.exp(np.log(first) + along * np.log(last / first) + bridge))


def _volume(rng: np.random.Generator, n: int, daily: float) -> Floats:
    """Shares a minute: high after the open and before the close, in lots near a log-normal."""
    x = np.linspace(-1, 1, n)
    shape = 0.5 + 1.5 * x**4 + np.exp(-np.arange(n) / 8)
    shares = daily * shape / shape.sum() * rng.lognormal(0, 0.5, n)
    return np.asarray(np.maximum(LEAST_TRADES, np.floor(shares)), np.float64)


def _liquidity(symbol: str) -> float:
    return 4e7 if symbol in ACTIVE else 10 ** (4.5 + 3 * _unit(symbol, "liquidity"))


def _tick(prices: Floats) -> Floats:
    rounded: Floats = np.maximum(np.round(prices / TICK) * TICK, TICK).round(2)
    return rounded


def _generator(symbol: str, what: str) -> np.random.Generator:
    """Seeded by content, not by Python's hash: the same everywhere and for ever."""
    digest = hashlib.sha256(f"{symbol} {what}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def _unit(symbol: str, what: str) -> float:
    return float(_generator(symbol, what).random())
