"""Bars within a frame: columns, and events in wire form."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.columns import Floats
from marketdata.columns.bar_columns import BAR_VALUES
from marketdata.hours import DayPart
from marketdata.intervals import interval_name
from streaming.engine.frames.frame_id import rfc3339

FEW = 16
"""Bars of a block below which numpy's calls cost more than what they spare."""


@dataclass(slots=True, eq=False)
class BarBlock:
    """Bars of one interval that became known at the same instant; columns of n rows, symbols ascending."""

    width: int
    start_ms: int
    end_ms: int
    n_expected: int
    synthetic: bool
    symbols: tuple[str, ...]
    columns: Floats
    """float64, shape (7, n): open, high, low, close, volume, trade_count, vwap; NaN is absent."""
    n_present: NDArray[np.uint16]
    part: DayPart = DayPart.REGULAR

    @property
    def channel(self) -> str:
        """What a reader asks for to get these: their interval."""
        return interval_name(self.width)

    def events(self, symbols: Collection[str] | None = None) -> Iterator[dict[str, Any]]:
        """The bars in wire form, as dicts."""
        rows: Iterator[tuple[Any, ...]] = zip(
            self.symbols, *wire_columns(self.columns), self.n_present.tolist(), strict=True
        )
        if symbols is not None and not set(symbols).issuperset(self.symbols):
            rows = (row for row in rows if row[0] in symbols)
        return iter(self._bars(rows))

    def _bars(self, rows: Iterator[tuple[Any, ...]]) -> list[dict[str, Any]]:
        """Copies of one bar, each with its own values: half of what as many new dicts cost."""
        expected = self.n_expected
        stamps = (rfc3339(self.start_ms), rfc3339(self.end_ms))
        any_bar = bar_event("", interval_name(self.width), *stamps, [None] * 7, expected, expected, self.synthetic)
        if self.part != DayPart.REGULAR:
            any_bar["hours"] = self.part.value
        bars = []
        for symbol, opened, high, low, close, volume, trade_count, vwap, present in rows:
            bar = any_bar.copy()
            bar["symbol"] = symbol
            bar["open"] = opened
            bar["high"] = high
            bar["low"] = low
            bar["close"] = close
            bar["volume"] = volume
            bar["trade_count"] = trade_count
            bar["vwap"] = vwap
            if present != expected:
                bar["n_present"], bar["complete"] = present, False
            bars.append(bar)
        return bars


def bar_event(
    symbol: str,
    interval: str,
    start: str,
    end: str,
    values: Sequence[Any],
    present: int,
    expected: int,
    synthetic: bool,
) -> dict[str, Any]:
    """A bar in wire form, of values as `wire_columns` gives them."""
    return {
        "type": "bar",
        "symbol": symbol,
        "interval": interval,
        "start": start,
        "end": end,
        **dict(zip(BAR_VALUES, values, strict=True)),
        "n_present": present,
        "n_expected": expected,
        "complete": present == expected,
        "synthetic": synthetic,
    }


def wire_columns(columns: Floats) -> list[list[Any]]:
    """What `wire_values` is for one bar, for many at once: seven columns, each converted in one go where it can be."""
    cells: list[list[Any]] = columns.tolist()
    few = columns.shape[1] < FEW
    if absent := any(value != value for row in cells for value in row) if few else bool(np.isnan(columns).any()):
        cells = [[None if value != value else value for value in row] for row in cells]
    counts = columns[4:6]
    if not few and not absent and (counts == np.floor(counts)).all():
        cells[4:6] = counts.astype(np.int64).tolist()
    else:
        for whole in (4, 5):
            cells[whole] = [int(cell) if cell is not None and cell.is_integer() else cell for cell in cells[whole]]
    return cells


def wire_values(values: list[float]) -> dict[str, float | int | None]:
    """One bar's seven values by name: absent ones None, volume and trade count whole."""
    cells: list[float | int | None] = [None if value != value else value for value in values]
    for whole in (4, 5):
        cell = cells[whole]
        if cell is not None and float(cell).is_integer():
            cells[whole] = int(cell)
    return dict(zip(BAR_VALUES, cells, strict=True))
