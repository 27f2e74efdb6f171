"""The rows of a stored day as numpy columns: the one shape that store, import, merge and API share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from marketdata.columns import block
from marketdata.columns.bar_columns import BarColumns, Floats, Ints, join_bars, no_bars
from marketdata.columns.tick_columns import TickColumns, join_ticks, no_ticks
from marketdata.kinds import KINDS, TICK_KINDS, DayKind

__all__ = [
    "BarColumns",
    "Floats",
    "Ints",
    "Rows",
    "TickColumns",
    "join_bars",
    "join_ticks",
    "no_bars",
    "no_ticks",
    "packed",
    "unpacked",
]

Rows = BarColumns | TickColumns


def packed(rows: Rows) -> bytes:
    """The rows as one block: their time, the kind's values and codes, and the flags of single events."""
    if isinstance(rows, BarColumns):
        prices = np.stack([rows.open, rows.high, rows.low, rows.close])
        return block.pack([rows.offset, prices, rows.volume, rows.trade_count, rows.vwap])
    return block.pack([rows.at, *rows.values, *rows.codes, rows.flags])


def unpacked(kind: str, cells: bytes, count: int, words: Sequence[str] | None = None) -> Rows:
    """What `packed` made of `count` rows."""
    columns = block.unpack(cells, count, LAYOUTS[kind])
    if kind == DayKind.BARS:
        offset, prices, *rest = columns
        return BarColumns(offset, *prices, *rest)
    return TickColumns.of_columns(kind, columns, words or ("",))


BARS: Sequence[block.Group] = ((True, 0), (False, 4), (False, 0), (False, 0), (False, 0))
"""The four prices are near each other: they share a head."""
LAYOUTS: dict[str, Sequence[block.Group]] = {
    DayKind.BARS: BARS,
    **{
        kind: ((True, 0), *[(False, 0)] * len(KINDS[kind].values), *[(True, 0)] * (len(KINDS[kind].codes) + 1))
        for kind in TICK_KINDS
    },
}
