"""Trades and quotes in wire form: stamps with the source's digits, absent values null."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from marketdata.columns import TickColumns
from marketdata.columns.tick_columns import CORRECTED, DERIVED, SUSPICIOUS
from marketdata.kinds import DayKind
from marketdata.units import SECOND_NS


def events(rows: TickColumns, symbol: str, open_ns: int, *, synthetic: bool) -> Iterator[dict[str, Any]]:
    """Rows in wire form. `open_ns`: the session's open, nanoseconds since the epoch, from which `at` counts."""
    cells = zip(
        (rows.at + open_ns).tolist(), rows.values.T.tolist(), rows.codes.T.tolist(), rows.flags.tolist(), strict=True
    )
    for at, values, codes, flags in cells:
        yield event(rows.kind, symbol, at, values, [rows.words[code] for code in codes], flags, synthetic)


def event(
    kind: str, symbol: str, at: int, values: Sequence[float], words: Sequence[str], flags: int, synthetic: bool
) -> dict[str, Any]:
    """One row; `at` in nanoseconds since the epoch."""
    trade = kind == DayKind.TRADES
    return {
        "type": "trade" if trade else "quote",
        "symbol": symbol,
        "at": stamp(at),
        **(_trade(values, words) if trade else _quote(values, words)),
        "condition": words[-1] or None,
        "suspicious": bool(flags & SUSPICIOUS),
        "corrected": bool(flags & CORRECTED),
        "synthetic": synthetic or bool(flags & DERIVED),
    }


def _trade(values: Sequence[float], words: Sequence[str]) -> dict[str, Any]:
    return {"price": values[0], "size": whole(values[1]), "exchange": words[0] or None}


def _quote(values: Sequence[float], words: Sequence[str]) -> dict[str, Any]:
    bid, bid_size, ask, ask_size = values
    return {
        "bid": None if bid != bid else bid,
        "bid_size": whole(bid_size),
        "bid_exchange": words[0] or None,
        "ask": None if ask != ask else ask,
        "ask_size": whole(ask_size),
        "ask_exchange": words[1] or None,
    }


def whole(number: float) -> float | int | None:
    """None where absent, an integer where it is one."""
    if number != number:
        return None
    return int(number) if number.is_integer() else number


def stamp(ns: int) -> str:
    """RFC 3339 in UTC with as many digits of the second as the stamp has: none, three, six or nine."""
    second, fraction = divmod(ns, SECOND_NS)
    text = _second(second)
    if not fraction:
        return f"{text}Z"
    if fraction % 1_000_000 == 0:
        return f"{text}.{fraction // 1_000_000:03d}Z"
    return f"{text}.{fraction // 1000:06d}Z" if fraction % 1000 == 0 else f"{text}.{fraction:09d}Z"


@lru_cache(maxsize=1024)
def _second(second: int) -> str:
    return dt.datetime.fromtimestamp(second, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
