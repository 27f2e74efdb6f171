"""Trades and quotes in the broker's wire form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from marketdata.columns import Ints
from marketdata.ticks.columns import TickColumns, TickKind
from streaming.gateway.moments import midnight, new_york_date, rfc3339
from streaming.gateway.pagination import Row

TAPE = ""
"""The store does not know on which tape a symbol was reported."""


def rows(ticks: TickColumns, stamps: Ints) -> list[Row]:
    """As REST gives them; `stamps`: nanoseconds since the epoch."""
    at = map(rfc3339, stamps.tolist())
    return [
        {"t": t, **told}
        for t, told in zip(at, bodies(ticks.kind, ticks.values, ticks.codes, ticks.words, stamps), strict=True)
    ]


def bodies(kind: str, values: Any, codes: Any, words: Sequence[str], stamps: Ints) -> Iterator[Row]:
    """Without symbol and time. Absent sizes and the absent side of a quote are 0, as the broker has them."""
    numbers = np.nan_to_num(values).T.tolist()
    texts = ([words[code] for code in row] for row in codes.T.tolist())
    if kind == TickKind.TRADES:
        return (
            _trade(*row, *told, number=number) for row, told, number in zip(numbers, texts, _ids(stamps), strict=True)
        )
    return (_quote(*row, *told) for row, told in zip(numbers, texts, strict=True))


def _ids(stamps: Ints) -> list[int]:
    """The store has no trade numbers: the nanosecond of New York's day, which trades at one instant share."""
    if not len(stamps):
        return []
    start = midnight(new_york_date(int(stamps[0])))
    return [stamp - start for stamp in stamps.tolist()]


def _trade(price: float, size: float, exchange: str, condition: str, *, number: int) -> Row:
    return {"x": exchange, "p": price, "s": int(size), "c": _conditions(condition), "i": number, "z": TAPE}


def _quote(
    bid: float, bid_size: float, ask: float, ask_size: float, bid_exchange: str, ask_exchange: str, condition: str
) -> Row:
    return {
        "ax": ask_exchange,
        "ap": ask,
        "as": int(ask_size),
        "bx": bid_exchange,
        "bp": bid,
        "bs": int(bid_size),
        "c": _conditions(condition),
        "z": TAPE,
    }


def _conditions(word: str) -> list[str]:
    return [word] if word else []
