"""Alpaca's trades and quotes as columns. A quote's side with price 0 is absent; a corrected trade is flagged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from marketdata.columns import TickColumns, join_ticks
from marketdata.columns.tick_columns import CORRECTED
from marketdata.errors import ProviderFailed
from marketdata.kinds import KINDS, DayKind

Row = dict[str, Any]
NAMES = {
    DayKind.TRADES: (("p", "s"), ("x", "c")),
    DayKind.QUOTES: (("bp", "bs", "ap", "as"), ("bx", "ax", "c")),
}
"""By kind the vendor's names for our values and for our codes, in the order of `VALUES` and `CODES`."""


def from_pages(kind: str, pages: Iterable[Sequence[Row]]) -> TickColumns:
    """The rows of all pages, each made columns before the next is asked for: a row is ten times its columns."""
    return join_ticks(kind, [ticks(kind, rows) for rows in pages])


def ticks(kind: str, rows: Sequence[Row]) -> TickColumns:
    """In the vendor's order; `at` in UTC nanoseconds. Raises ProviderFailed where a row is none."""
    names, coded = NAMES[DayKind(kind)]
    try:
        at = np.array([row["t"].removesuffix("Z") for row in rows], "M8[ns]").astype(np.int64)
        values = np.array([[row[name] for row in rows] for name in names], np.float64)
        words = [[_word(row.get(name)) for row in rows] for name in coded]
    except (KeyError, TypeError, ValueError) as error:
        raise ProviderFailed(f"alpaca sent something that is no {DayKind(kind).label[:-1]}: {error!r}") from None
    values = values.reshape(len(KINDS[kind].values), len(rows))
    if kind == DayKind.QUOTES:
        _without_empty_sides(values)
    known = ("", *sorted({word for column in words for word in column} - {""}))
    index = {word: i for i, word in enumerate(known)}
    codes = np.array([[index[word] for word in column] for column in words], np.int32)
    flags = np.array([CORRECTED if row.get("u") else 0 for row in rows], np.uint8)
    return TickColumns(kind, at, values, codes.reshape(len(KINDS[kind].codes), len(rows)), flags, known)


def _word(cell: Any) -> str:
    return ",".join(cell) if isinstance(cell, list) else str(cell or "").strip()


def _without_empty_sides(values: np.ndarray) -> None:
    for price, size in ((0, 1), (2, 3)):
        empty = values[price] == 0
        values[price][empty] = values[size][empty] = np.nan
