"""How far apart a file's rows are, and how surely that says the width of its bars, odd rows among them or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from marketdata.columns import Ints

MINUTE, DAY = 60, 86_400
WIDTHS = (240, 180, 120, 90, 65, 60, 45, 39, 30, 26, 20, 15, 13, 12, 10, 8, 6, 5, 4, 3, 2)
"""Minutes that bars may have, widest first."""
MOST_ADJACENT = 0.2
"""Share of rows that follow the one before them at once: with more, fewer than nine of ten lie on any wider grid."""
ON_GRID = 0.9
"""Share of the rows that lie on the grid of a width, where bars have it."""
CERTAIN, CERTAIN_DAY, LIKELY = 25, 40, 10
"""Bits of chance against a spacing's being so by itself: of a file, of one of its many days, and where it is asked."""


FEW_GAPS = 3


class Spacing(NamedTuple):
    """A width in minutes that rows seem to have, and the bits that speak for it; width 0: none."""

    width: int = 0
    bits: float = 0.0


@dataclass(frozen=True, slots=True)
class Days:
    """The rows of each symbol's UTC date. `start`: the place of its first row; `minute`: of all rows, since 1970."""

    start: Ints
    count: Ints
    minute: Ints
    wide: np.ndarray
    """Days of which few rows follow one another at once."""

    @property
    def rows(self) -> np.ndarray:
        """Which rows are of wide days."""
        return np.repeat(self.wide, self.count)


def days_of(stamp: Ints, symbol: Ints) -> Days:
    """`stamp`: seconds, in order within each symbol, not empty."""
    date = stamp // DAY
    apart = (np.diff(date) != 0) | (np.diff(symbol) != 0)
    start = np.concatenate([[0], np.flatnonzero(apart) + 1])
    count = np.diff(np.append(start, len(stamp)))
    adjacent = np.append(~apart & (np.diff(stamp) == MINUTE), False)
    wide = (count > 1) & (np.add.reduceat(adjacent, start) <= MOST_ADJACENT * count)
    return Days(start, count, stamp // MINUTE, wide)


def spacing_of_file(days: Days) -> Spacing:
    """Of all wide days together, each on a grid of its own."""
    return _spacing(days, days.wide)


def spacing_of_day(days: Days, place: int) -> Spacing:
    only = np.zeros(len(days.wide), dtype=bool)
    only[place] = True
    return _spacing(days, only)


def _spacing(days: Days, chosen: np.ndarray) -> Spacing:
    if not chosen.any():
        return Spacing()
    minute = days.minute[np.repeat(chosen, days.count)]
    counts = days.count[chosen]
    day = np.repeat(np.arange(len(counts)), counts)
    equal = _equal_gaps(minute, day)
    likely = (_on_a_grid(minute, day, counts, width) for width in WIDTHS)
    grid = next((spacing for spacing in likely if spacing.bits >= LIKELY), Spacing())
    return max(grid, equal, key=lambda spacing: spacing.bits)


def _on_a_grid(minute: Ints, day: Ints, counts: Ints, width: int) -> Spacing:
    """Of each day the first row is free; of minutes, each other one lies on its grid once in `width` times."""
    cells = np.bincount(day * width + minute % width, minlength=len(counts) * width).reshape(-1, width)
    free = len(counts)
    on, rows = int(cells.max(axis=1).sum()) - free, int(counts.sum()) - free
    share = on / rows
    if share < ON_GRID:
        return Spacing()
    surprise = share * np.log2(share * width)
    if share < 1:
        surprise += (1 - share) * np.log2((1 - share) * width / (width - 1))
    return Spacing(width, float(rows * surprise))


def _equal_gaps(minute: Ints, day: Ints) -> Spacing:
    """Rows that are all as far apart: likelier than so many equal waits for the next trade are bars of that width."""
    gaps = np.diff(minute)[np.diff(day) == 0]
    gaps = gaps[gaps > 0]
    if len(gaps) < FEW_GAPS or int(gaps[0]) not in WIDTHS or (gaps != gaps[0]).any():
        return Spacing()
    gap = int(gaps[0])
    return Spacing(gap, len(gaps) * float(np.log2(gap) - (gap - 1) * np.log2(1 - 1 / gap)))
