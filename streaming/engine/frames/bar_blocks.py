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
        rows: Iterator[tuple[Any, ...]] = zip(self.symbols, *wire_columns(self.columns), strict=True)
        present = self.n_present.tolist()
        complete = present.count(self.n_expected) == len(present)
        if not complete:
            rows = ((*row, count, count == self.n_expected) for row, count in zip(rows, present, strict=True))
        if symbols is not None and not _has_all(symbols, self.symbols):
            rows = (row for row in rows if row[0] in symbols)
        return self._bars(rows) if complete else self._partial_bars(rows)

    def _bars(self, rows: Iterator[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
        """Copies of one bar that takes on the values of each: half of what as many new dicts cost."""
        bar = self._any_bar()
        for (
            bar["symbol"],
            bar["open"],
            bar["high"],
            bar["low"],
            bar["close"],
            bar["volume"],
            bar["trade_count"],
            bar["vwap"],
        ) in rows:
            yield bar.copy()

    def _partial_bars(self, rows: Iterator[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
        """Likewise where some of the bars lack minutes; a row's last two cells say so."""
        bar = self._any_bar()
        names = ("symbol", *BAR_VALUES, "n_present", "complete")
        for row in rows:
            bar.update(zip(names, row, strict=True))
            yield bar.copy()

    def _any_bar(self) -> dict[str, Any]:
        stamps = (rfc3339(self.start_ms), rfc3339(self.end_ms))
        expected = self.n_expected
        bar = bar_event("", interval_name(self.width), *stamps, [None] * 7, expected, expected, self.synthetic)
        if self.part != DayPart.REGULAR:
            bar["hours"] = self.part.value
        return bar


def _has_all(names: Collection[str], symbols: Sequence[str]) -> bool:
    return (names if isinstance(names, (set, frozenset)) else set(names)).issuperset(symbols)


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
    if columns.shape[1] >= FEW and not np.isnan(columns).any():
        counts = columns[4:6]
        whole = counts.astype(np.int64)
        if (whole == counts).all():
            return [*columns[:4].tolist(), *whole.tolist(), columns[6].tolist()]
    cells: list[list[Any]] = columns.tolist()
    if any(value != value for row in cells for value in row):
        cells = [[None if value != value else value for value in row] for row in cells]
    for count in (4, 5):
        cells[count] = [int(cell) if cell is not None and cell.is_integer() else cell for cell in cells[count]]
    return cells


def wire_values(values: list[float]) -> dict[str, float | int | None]:
    """One bar's seven values by name: absent ones None, volume and trade count whole."""
    cells: list[float | int | None] = [None if value != value else value for value in values]
    for whole in (4, 5):
        cell = cells[whole]
        if cell is not None and float(cell).is_integer():
            cells[whole] = int(cell)
    return dict(zip(BAR_VALUES, cells, strict=True))
