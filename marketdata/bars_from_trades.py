"""Minute bars from trades, and how they compare with the bars that a vendor made of the same day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from marketdata.columns import BarColumns, Floats, TickColumns, no_bars
from marketdata.columns.tick_columns import CORRECTED, SUSPICIOUS
from marketdata.units import MINUTE_NS

PRICES = ("open", "high", "low", "close")
ROUND_LOT = 100
HEX_REGULAR = 1
"""The bit of a hexadecimal condition mask (AlgoSeek's, as in LEAN) that says: a regular-way trade."""
LETTERS = frozenset({"", "@", "@F", "F"})
"""Conditions of the consolidated tape that are regular way; F is an intermarket sweep."""


def bars_of(trades: TickColumns, priced: NDArray[np.bool_] | None = None) -> BarColumns:
    """A day's minute bars. Suspicious and later corrected trades are left out.

    `priced`: trades that set open, high, low and close, by default all; volume, count and vwap come from all of them.
    A minute without a priced trade has no bar.
    """
    sound = (trades.flags & (SUSPICIOUS | CORRECTED)) == 0
    priced = sound if priced is None else sound & priced
    minutes = np.unique(trades.at[priced] // MINUTE_NS)
    if not len(minutes):
        return no_bars()
    price, volume, count, turnover = _sums(trades, sound, minutes)
    prices, minute = trades.value("price")[priced], trades.at[priced] // MINUTE_NS
    first = np.searchsorted(minute, minutes)
    last = np.searchsorted(minute, minutes, "right") - 1
    with np.errstate(invalid="ignore", divide="ignore"):
        vwap = np.where(volume > 0, turnover / volume, price)
    return BarColumns(
        minutes * 60,
        prices[first],
        np.maximum.reduceat(prices, first),
        np.minimum.reduceat(prices, first),
        prices[last],
        volume,
        count,
        vwap,
    )


def _sums(trades: TickColumns, sound: NDArray[np.bool_], minutes: NDArray[np.int64]) -> tuple[Floats, ...]:
    """Per minute: mean price, volume, count, turnover."""
    price, size = trades.value("price")[sound], np.nan_to_num(trades.value("size")[sound])
    place = np.searchsorted(minutes, trades.at[sound] // MINUTE_NS)
    known = (place < len(minutes)) & (minutes[np.minimum(place, len(minutes) - 1)] == trades.at[sound] // MINUTE_NS)
    place, price, size = place[known], price[known], size[known]
    weights = (np.ones(len(size)), size, price * size, price)
    count, volume, turnover, total = (_sum(place, weight, len(minutes)) for weight in weights)
    return total / np.maximum(count, 1), volume, count, turnover


def _sum(place: NDArray[np.intp], weight: Floats, n: int) -> Floats:
    return np.bincount(place, weight, n).astype(np.float64)


def regular_way(trades: TickColumns) -> NDArray[np.bool_]:
    """Trades whose condition says regular way; all where no condition is known."""
    regular = np.array([_is_regular(word) for word in trades.words], bool)
    return regular[trades.code("condition")]


def _is_regular(word: str) -> bool:
    if word.strip().upper() in LETTERS:
        return True
    try:
        return bool(int(word, 16) & HEX_REGULAR)
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Difference:
    """`minute`: counted from the open. None: that side has no bar of the minute."""

    minute: int
    field: str
    made: float | None
    vendor: float | None
    reason: str


NOT_REGULAR = "the vendor takes prices from regular-way trades alone"
AUCTION = "the vendor's last bar holds the closing auction, printed after the close"
ODD_LOTS = "the vendor does not count odd lots"
ONLY_MADE = "the vendor has no bar although there were trades"
ONLY_VENDOR = "the vendor has a bar although there is no trade"
OTHER = "not explained by the trades' conditions"


@dataclass(frozen=True, slots=True)
class Comparison:
    minutes: int
    """With a bar on either side."""
    equal: int
    differences: list[Difference]

    def reasons(self) -> dict[str, int]:
        return dict(Counter(difference.reason for difference in self.differences).most_common())


def compare(trades: TickColumns, after_close: TickColumns, vendor: BarColumns, session_minutes: int) -> Comparison:
    """Open, high, low, close and volume of every minute, and why they differ.

    `after_close`: trades later than the session, among which the closing auction's print is looked for.
    """
    sides = [_by_minute(bars_of(trades)), _by_minute(bars_of(trades, regular_way(trades))), _by_minute(vendor)]
    made, regular, theirs = sides
    odd = _odd_lots(trades)
    prints = set(after_close.value("size")[after_close.at >= 0].tolist())
    minutes = sorted(made.keys() | theirs.keys())
    found: list[Difference] = []
    for minute in minutes:
        mine, other = made.get(minute), theirs.get(minute)
        if mine is None or other is None:
            closes = [side["close"] if side else None for side in (mine, other)]
            reason = ONLY_VENDOR if mine is None else ONLY_MADE
            found.append(Difference(minute, "bar", closes[0], closes[1], reason))
            continue
        for name in (*PRICES, "volume"):
            if abs(mine[name] - other[name]) > 1e-9:
                last = minute == session_minutes - 1
                reason = _why(name, other, regular.get(minute), mine, odd.get(minute, 0.0), prints if last else ())
                found.append(Difference(minute, name, mine[name], other[name], reason))
    differing = {difference.minute for difference in found}
    return Comparison(len(minutes), len(minutes) - len(differing), found)


def _why(
    name: str,
    vendor: dict[str, float],
    regular: dict[str, float] | None,
    made: dict[str, float],
    odd: float,
    prints: Iterable[float],
) -> str:
    if name != "volume":
        if regular and abs(regular[name] - vendor[name]) <= 1e-9:
            return NOT_REGULAR
        return AUCTION if prints and name in ("close", "high", "low") else OTHER
    more = vendor["volume"] - made["volume"]
    if any(abs(more + counted - size) < 0.5 for size in prints for counted in (0.0, odd)):
        return AUCTION
    return ODD_LOTS if abs(more + odd) < 0.5 else OTHER


def _by_minute(bars: BarColumns) -> dict[int, dict[str, float]]:
    names = (*PRICES, "volume")
    rows = zip(*(getattr(bars, name).tolist() for name in names), strict=True)
    return {
        minute: dict(zip(names, row, strict=True))
        for minute, row in zip((bars.offset // 60).tolist(), rows, strict=True)
    }


def _odd_lots(trades: TickColumns) -> dict[int, float]:
    """Minute → shares traded in odd lots."""
    size = trades.value("size")
    odd = size < ROUND_LOT
    minutes, place = np.unique(trades.at[odd] // MINUTE_NS, return_inverse=True)
    return dict(zip(minutes.tolist(), np.bincount(place, size[odd]).tolist(), strict=False))
