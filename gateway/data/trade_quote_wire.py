"""Trades and quotes in the broker's wire form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gateway.data.conditions import of_quote, of_trade
from gateway.data.page_tokens import Row
from gateway.wire.moments import midnight, new_york_date, rfc3339_ns
from marketdata.columns import Ints, TickColumns
from marketdata.kinds import DayKind

TAPE = ""
"""The store does not know on which tape a symbol was reported."""
IDS_A_NANOSECOND = 100
"""So many, and ids of a whole day are still numbers that JavaScript keeps apart."""


def rows(ticks: TickColumns, stamps: Ints, ties: Ints) -> list[Row]:
    """Rows as REST gives them; `stamps`: nanoseconds since the epoch, `ties`: places among the rows of one stamp."""
    at = map(rfc3339_ns, stamps.tolist())
    return [
        {"t": t, **reported}
        for t, reported in zip(
            at, bodies(ticks.kind, ticks.values, ticks.codes, ticks.words, stamps, ties), strict=True
        )
    ]


def bodies(kind: str, values: Any, codes: Any, words: Sequence[str], stamps: Ints, ties: Ints) -> Iterator[Row]:
    """Without symbol and time. Absent sizes and the absent side of a quote are 0, as the broker has them."""
    numbers = np.nan_to_num(values).T.tolist()
    texts = ([words[code] for code in row] for row in codes.T.tolist())
    if kind == DayKind.TRADES:
        return (
            _trade(*row, *reported, number=number)
            for row, reported, number in zip(numbers, texts, _ids(stamps, ties), strict=True)
        )
    return (quote(*row, *reported) for row, reported in zip(numbers, texts, strict=True))


def places(stamps: Ints, *keys: Any) -> Ints:
    """For each row how many before it have the same stamp and the same keys; stamps ascend."""
    seen: dict[Any, int] = {}
    found = np.zeros(len(stamps), np.int64)
    tied = np.flatnonzero(np.isin(stamps, stamps[1:][stamps[1:] == stamps[:-1]]))
    for row in tied.tolist():
        key = (int(stamps[row]), *(int(each[row]) for each in keys))
        found[row] = seen[key] = seen.get(key, -1) + 1
    return found


def _ids(stamps: Ints, ties: Ints) -> list[int]:
    """The store has no trade numbers: they are made of the nanosecond of New York's day and the place at it."""
    if not len(stamps):
        return []
    start = midnight(new_york_date(int(stamps[0])))
    found: list[int] = ((stamps - start) * IDS_A_NANOSECOND + ties).tolist()
    return found


def _trade(price: float, size: float, exchange: str, condition: str, *, number: int) -> Row:
    return {"x": exchange, "p": price, "s": int(size), "c": of_trade(condition), "i": number, "z": TAPE}


def quote(
    bid: float, bid_size: float, ask: float, ask_size: float, bid_exchange: str, ask_exchange: str, condition: str
) -> Row:
    return {
        "ax": ask_exchange,
        "ap": ask,
        "as": shares(ask_size),
        "bx": bid_exchange,
        "bp": bid,
        "bs": shares(bid_size),
        "c": of_quote(condition),
        "z": TAPE,
    }


def shares(size: float) -> int:
    """0 where the source has no size."""
    return int(size) if size == size else 0
