"""A file's rows as they stand in it, before their meaning is decided."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from marketdata.columns import Ints
from marketdata.importing.base.spellings import fold


class BadLine(NamedTuple):
    """A line that is no row."""

    line: int
    reason: str
    raw: str


class Text:
    """A file's text, cut into lines when one is asked for."""

    def __init__(self, data: bytes = b"") -> None:
        self._data = data

    @cached_property
    def _lines(self) -> list[bytes]:
        return self._data.splitlines()

    def line(self, number: int) -> str:
        """A line as it stands, from 1; empty where there is no text."""
        return self._lines[number - 1].decode("utf-8", "replace") if number <= len(self._lines) else ""


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """`line`: of each row, from 1, head lines included (of Parquet and JSON: the row, from 1).

    `cells`: column → (field, symbol), where the file itself says that it is wide. `symbol`, `zone`: what the file
    says of all its rows, `interval` of its bars, `prices` how they are adjusted (raw, split, …); `decimal`: the mark
    that a person gave. `scale`: what its prices have to be divided by. `used`: columns that were taken into others;
    `left_out`: those that were not and are not in `frame` any more.
    """

    frame: pd.DataFrame
    line: Ints
    bad: list[BadLine] = field(default_factory=list)
    cells: dict[str, tuple[str, str]] = field(default_factory=dict)
    text: Text = field(default_factory=Text, repr=False)
    symbol: str = ""
    zone: str = ""
    interval: str = ""
    prices: str = ""
    decimal: str = ""
    scale: float = 1.0
    used: frozenset[str] = frozenset()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def take(self, rows: np.ndarray) -> Sheet:
        return replace(self, frame=self.frame[rows], line=self.line[rows])

    def noted(self, *notes: str) -> Sheet:
        """The same with more that is worth knowing."""
        return replace(self, notes=(*self.notes, *(note for note in notes if note)))

    def raw(self, row: int) -> str:
        """A row as it stands in the file."""
        cells = ("" if pd.isna(value) is True else str(value) for value in self.frame.iloc[row])
        return self.text.line(int(self.line[row])) or ",".join(cells)


def numbered(frame: pd.DataFrame, cells: dict[str, tuple[str, str]] | None = None) -> Sheet:
    """A sheet whose lines are its rows."""
    return Sheet(frame, np.arange(1, len(frame) + 1, dtype=np.int64), [], cells or {})


class OfSheet:
    """A table that was made of a sheet, with a row for each of the sheet's."""

    __slots__ = ()
    sheet: Sheet

    @property
    def line(self) -> Ints:
        return self.sheet.line

    @property
    def bad(self) -> list[BadLine]:
        return self.sheet.bad

    def unread_reason(self, row: int) -> str:
        """Why a row's stamp cannot be read."""
        if _repeats_head(self.sheet.raw(row), [str(name) for name in self.sheet.frame.columns]):
            return "the line is the head once more"
        return "the time cannot be read"


def _repeats_head(raw: str, names: Collection[str]) -> bool:
    """Whether a row says the columns' names again, as files put together do."""
    cells = {fold(cell.strip().strip('"')) for cell in re.split(r"[,;\t|]", raw)}
    return len(cells) > 2 and cells <= {fold(name) for name in names}
