"""What a trade or a quote must satisfy to be let in; vectorized, pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from marketdata.columns import Floats
from marketdata.ticks.columns import TickColumns, TickKind

Broken = NDArray[np.bool_]


def broken_ticks(rows: TickColumns) -> list[tuple[int, str]]:
    """(row, reason) of every row that breaks a rule, first broken rule each, in row order."""
    with np.errstate(invalid="ignore"):
        rules = _trade_rules(rows) if rows.kind == TickKind.TRADES else _quote_rules(rows)
    reason = np.full(len(rows), -1)
    for number, (broken, _) in enumerate(rules):
        reason[(reason < 0) & broken] = number
    return [(int(row), rules[reason[row]][1]) for row in np.flatnonzero(reason >= 0)]


def _trade_rules(rows: TickColumns) -> list[tuple[Broken, str]]:
    price, size = rows.value("price"), rows.value("size")
    return [
        (~np.isfinite(price), "the price is not a finite number"),
        (price <= 0, "the price is not positive"),
        *_size_rules(size, "size"),
    ]


def _quote_rules(rows: TickColumns) -> list[tuple[Broken, str]]:
    """One side may be absent; both may cross or lock, as real quotes of one exchange do for a moment."""
    bid, ask = rows.value("bid"), rows.value("ask")
    return [
        (np.isnan(bid) & np.isnan(ask), "it has neither a bid nor an ask"),
        (np.isinf(bid) | np.isinf(ask), "a price is not a finite number"),
        ((bid <= 0) | (ask <= 0), "a price is not positive"),
        *_size_rules(rows.value("bid_size"), "bid size"),
        *_size_rules(rows.value("ask_size"), "ask size"),
    ]


def _size_rules(size: Floats, name: str) -> list[tuple[Broken, str]]:
    return [
        (size < 0, f"the {name} is negative"),
        (np.isinf(size), f"the {name} is not a finite number"),
    ]
