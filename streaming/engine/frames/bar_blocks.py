"""Bars within a frame: columns, and events in wire form."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.columns import Floats
from marketdata.columns.bar_columns import BAR_VALUES
from marketdata.hours import DayPart
from marketdata.intervals import interval_name
from streaming.engine.frames.frame_id import rfc3339

PLACES_OF_COUNTS = (4, 5)
"""Among a bar's values: the volume and the number of trades, whole where they can be."""
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
        if symbols is not None and not has_all(symbols, self.symbols):
            rows = (row for row in rows if row[0] in symbols)
        bar = any_bar(self.width, self.n_expected, synthetic=self.synthetic, part=self.part)
        bar["start"], bar["end"] = rfc3339(self.start_ms), rfc3339(self.end_ms)
        return copies(bar, rows) if complete else partial_copies(bar, rows)


def any_bar(width: int, expected: int, *, synthetic: bool, part: DayPart) -> dict[str, Any]:
    """A complete bar in wire form, without its symbol, stamps and values."""
    return bar_event("", interval_name(width), "", "", [None] * 7, expected, expected, synthetic, part)


class _Cells:
    """The keys of a dict as attributes: to set these costs a third, for Python knows where in the dict they are."""

    symbol: Any
    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any
    trade_count: Any
    vwap: Any

    def __init__(self, of: dict[str, Any]) -> None:
        self.__dict__ = of


def copies(bar: dict[str, Any], rows: Iterable[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """A copy of the bar for each row, whose symbol and values it takes on: half of what as many new dicts cost."""
    cells, copy = _Cells(bar), bar.copy
    for (
        cells.symbol,
        cells.open,
        cells.high,
        cells.low,
        cells.close,
        cells.volume,
        cells.trade_count,
        cells.vwap,
    ) in rows:
        yield copy()


def partial_copies(bar: dict[str, Any], rows: Iterable[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Likewise where some of the bars lack minutes: a row's last two cells are `n_present` and `complete`."""
    bar = bar.copy()  # for others these stay as they are

    def others() -> Iterator[list[Any]]:
        for *row, bar["n_present"], bar["complete"] in rows:
            yield row

    return copies(bar, others())


def has_all(names: Collection[str], symbols: Sequence[str]) -> bool:
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
    part: DayPart = DayPart.REGULAR,
) -> dict[str, Any]:
    """A bar in wire form, of values as `wire_columns` gives them."""
    hours = {} if part == DayPart.REGULAR else {"hours": part.value}
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
        **hours,
    }


def wire_columns(columns: Floats) -> list[list[Any]]:
    """What `wire_values` is for one bar, for many at once: seven columns, each converted in one go where it can be."""
    if columns.shape[1] < FEW:
        cells: list[list[Any]] = columns.tolist()
        return [_by_cell(row, place) for place, row in enumerate(cells)]
    if not np.isnan(columns).any() and (counts := as_whole(columns[4:6])) is not None:
        return [*columns[:4].tolist(), *counts.tolist(), columns[6].tolist()]
    return [_wire_column(row, place) for place, row in enumerate(columns)]


def as_whole(numbers: Floats) -> NDArray[np.int64] | None:
    """As integers; None where one of them is none."""
    with np.errstate(invalid="ignore"):  # absent, or beyond an integer: the comparison shows it
        whole = numbers.astype(np.int64)
    return whole if (whole == numbers).all() else None


def _wire_column(row: Floats, place: int) -> list[Any]:
    absent = np.isnan(row)
    if absent.all():
        return [None] * len(row)
    numbers = as_whole(row) if place in PLACES_OF_COUNTS else row
    if not absent.any() and numbers is not None:
        cells: list[Any] = numbers.tolist()
        return cells
    return _by_cell(row.tolist(), place)


def _by_cell(row: list[Any], place: int) -> list[Any]:
    cells = [None if value != value else value for value in row] if any(value != value for value in row) else row
    if place in PLACES_OF_COUNTS:
        return [int(cell) if cell is not None and cell.is_integer() else cell for cell in cells]
    return cells


def wire_values(values: list[float]) -> dict[str, float | int | None]:
    """One bar's seven values by name: absent ones None, volume and trade count whole."""
    cells: list[float | int | None] = [None if value != value else value for value in values]
    for whole in PLACES_OF_COUNTS:
        cell = cells[whole]
        if cell is not None and float(cell).is_integer():
            cells[whole] = int(cell)
    return dict(zip(BAR_VALUES, cells, strict=True))
