"""What a bar must satisfy to be let in; vectorized, pure."""

import numpy as np

from marketdata.columns import BarColumns, Floats


def broken_rows(bars: BarColumns) -> list[tuple[int, str]]:
    """(row, reason) of every row that breaks a rule, first broken rule each, in row order."""
    with np.errstate(invalid="ignore"):
        rules = [
            (~_finite(bars), "a price is not a finite number"),
            (bars.low <= 0, "a price is not positive"),
            (bars.high < np.maximum(bars.open, bars.close), "high is below open or close"),
            (bars.low > np.minimum(bars.open, bars.close), "low is above open or close"),
            (bars.high < bars.low, "high is below low"),
            (bars.volume < 0, "volume is negative"),
            (_fractional(bars.volume), "volume is not a whole number"),
            (bars.trade_count < 0, "trade count is negative"),
            (_fractional(bars.trade_count), "trade count is not a whole number"),
            (np.isinf(bars.vwap), "vwap is not a finite number"),
            (bars.offset % 60 != 0, "the stamp is not on a whole minute"),
        ]
    reason = np.full(len(bars), -1)
    for number, (broken, _) in enumerate(rules):
        reason[(reason < 0) & broken] = number
    return [(int(row), rules[reason[row]][1]) for row in np.flatnonzero(reason >= 0)]


def _finite(bars: BarColumns) -> np.ndarray:
    prices = np.stack([bars.open, bars.high, bars.low, bars.close])
    return np.asarray(np.isfinite(prices).all(axis=0))


def _fractional(counts: Floats) -> np.ndarray:
    """The store keeps counts as integers: a fraction would be cut off silently. Infinity counts as one."""
    return np.asarray(~np.isnan(counts) & (counts % 1 != 0))
