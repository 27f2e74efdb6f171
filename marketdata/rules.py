"""What a bar, a trade or a quote must satisfy to be let in; vectorized, pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marketdata.columns import BarColumns, Floats, Rows, TickColumns
from marketdata.kinds import DayKind

Broken = NDArray[np.bool_]
Rules = list[tuple[Broken, str]]


def broken_rows(rows: Rows) -> list[tuple[int, str]]:
    """(row, reason) of every row that breaks a rule, first broken rule each, in row order."""
    with np.errstate(invalid="ignore"):
        rules = _rules(rows)
    reason = np.full(len(rows), -1)
    for number, (broken, _) in enumerate(rules):
        reason[(reason < 0) & broken] = number
    return [(int(row), rules[reason[row]][1]) for row in np.flatnonzero(reason >= 0)]


def _rules(rows: Rows) -> Rules:
    if isinstance(rows, BarColumns):
        return _bar_rules(rows)
    return _trade_rules(rows) if rows.kind == DayKind.TRADES else _quote_rules(rows)


def _bar_rules(bars: BarColumns) -> Rules:
    return [
        (~_finite(bars), "a price is not a finite number"),
        (bars.low <= 0, "a price is not positive"),
        (bars.high < np.maximum(bars.open, bars.close), "high is below open or close"),
        (bars.low > np.minimum(bars.open, bars.close), "low is above open or close"),
        (bars.high < bars.low, "high is below low"),
        *_amount_rules(bars.volume, "volume"),
        *_amount_rules(bars.trade_count, "trade count"),
        (np.isinf(bars.vwap), "vwap is not a finite number"),
        (bars.offset % 60 != 0, "the stamp is not on a whole minute"),
    ]


def _finite(bars: BarColumns) -> Broken:
    prices = np.stack([bars.open, bars.high, bars.low, bars.close])
    return np.asarray(np.isfinite(prices).all(axis=0))


def _trade_rules(rows: TickColumns) -> Rules:
    price, size = rows.value("price"), rows.value("size")
    return [
        (~np.isfinite(price), "the price is not a finite number"),
        (price <= 0, "the price is not positive"),
        *_amount_rules(size, "the size"),
    ]


def _quote_rules(rows: TickColumns) -> Rules:
    """One side may be absent; both may cross or lock, as real quotes of one exchange do for a moment."""
    bid, ask = rows.value("bid"), rows.value("ask")
    return [
        (np.isnan(bid) & np.isnan(ask), "it has neither a bid nor an ask"),
        (np.isinf(bid) | np.isinf(ask), "a price is not a finite number"),
        ((bid <= 0) | (ask <= 0), "a price is not positive"),
        *_amount_rules(rows.value("bid_size"), "the bid size"),
        *_amount_rules(rows.value("ask_size"), "the ask size"),
    ]


def _amount_rules(amount: Floats, name: str) -> Rules:
    return [
        (amount < 0, f"{name} is negative"),
        (np.isinf(amount), f"{name} is not a finite number"),
    ]
