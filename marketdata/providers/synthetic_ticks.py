"""Trades and quotes of the market that never was, consistent with its bars and as deterministic.

A minute's trades are as many as its bar counts, add up to its volume, and have its open, high, low and close. Before
each trade stands the two-sided quote that it met.
"""

from __future__ import annotations

import datetime as dt
import hashlib

import numpy as np
from numpy.typing import NDArray

from marketdata.columns import BarColumns, Floats, Ints, TickColumns
from marketdata.kinds import KINDS, DayKind
from marketdata.units import SECOND_NS

TICK = 0.01
WORDS = ("", "@", "N", "P", "Q", "Z")
REGULAR, FIRST_EXCHANGE = 1, 2
LEAST_TRADES = 4
"""What open, high, low and close need."""


def make_trades(symbol: str, date: dt.date, bars: BarColumns) -> TickColumns:
    """`at` in nanoseconds from the open."""
    rng = _generator(symbol, f"trades {date}")
    count = bars.trade_count.astype(np.int64)
    first = np.cumsum(count) - count
    minute = np.repeat(np.arange(len(bars)), count)
    values = np.stack([_prices(rng, bars, count, first, minute), _sizes(rng, bars.volume, count, first, minute)])
    codes = np.full((len(KINDS[DayKind.TRADES].codes), len(minute)), REGULAR, np.int32)
    codes[0] = rng.integers(FIRST_EXCHANGE, len(WORDS), len(minute))
    at = _stamps(rng, bars.offset[minute], minute)
    return TickColumns(DayKind.TRADES, at, values, codes, np.zeros(len(minute), np.uint8), WORDS)


def make_quotes(symbol: str, date: dt.date, trades: TickColumns) -> TickColumns:
    """One before each trade, a tick wide, with the trade at its bid or its ask."""
    rng = _generator(symbol, f"quotes {date}")
    n, price = len(trades), trades.value("price")
    at_ask = (rng.random(n) < 0.5) & (price > TICK)
    bid = np.where(at_ask, price - TICK, price).round(2)
    sizes = rng.integers(1, 11, (2, n)) * 100.0
    before = np.concatenate([[0], trades.at[:-1]])
    codes = rng.integers(FIRST_EXCHANGE, len(WORDS), (len(KINDS[DayKind.QUOTES].codes), n)).astype(np.int32)
    codes[2] = REGULAR
    values = np.stack([bid, sizes[0], (bid + TICK).round(2), sizes[1]])
    return TickColumns(DayKind.QUOTES, before + (trades.at - before) // 2, values, codes, np.zeros(n, np.uint8), WORDS)


def _stamps(rng: np.random.Generator, offset: Ints, minute: NDArray[np.int64]) -> Ints:
    """Somewhere in their minute, ascending, to the microsecond."""
    within = rng.integers(0, 60_000_000, len(minute))
    order = np.lexsort((within, minute))
    stamps: Ints = offset * SECOND_NS + within[order] * 1000
    return stamps


def _prices(rng: np.random.Generator, bars: BarColumns, count: Ints, first: Ints, minute: NDArray[np.int64]) -> Floats:
    """Open, then high and low in either order, then close; between them a noisy way that stays within the bar."""
    inner = count - 2
    one = rng.integers(0, inner)
    other = (one + 1 + rng.integers(0, np.maximum(inner - 1, 1))) % inner
    high, low = first + 1 + one, first + 1 + other
    last = first + count - 1
    places = np.concatenate([first, high, low, last])
    anchors = np.concatenate([bars.open, bars.high, bars.low, bars.close])
    order = np.argsort(places, kind="stable")
    way = np.interp(np.arange(len(minute)), places[order], anchors[order])
    noise = rng.normal(0, 0.15, len(minute)) * (bars.high - bars.low)[minute]
    prices = np.clip((way + noise).round(2), bars.low[minute], bars.high[minute])
    prices[places] = anchors
    return np.asarray(prices, np.float64)


def _sizes(rng: np.random.Generator, volume: Floats, count: Ints, first: Ints, minute: NDArray[np.int64]) -> Floats:
    """Each at least one share, together the minute's volume."""
    weight = rng.exponential(1.0, len(minute))
    upto = np.cumsum(weight)
    begun = (upto - weight)[first]
    share = (upto - begun[minute]) / np.add.reduceat(weight, first)[minute]
    share[first + count - 1] = 1.0
    reported = np.floor(share * (volume - count)[minute])
    earlier = np.concatenate([[0.0], reported[:-1]])
    earlier[first] = 0.0
    return np.asarray(reported - earlier + 1, np.float64)


def _generator(symbol: str, what: str) -> np.random.Generator:
    """Seeded by content: the same everywhere and for ever."""
    digest = hashlib.sha256(f"{symbol} {what}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))
