"""A file as one table of canonical columns, whatever form it came in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.columns import Floats, Ints
from marketdata.importing.dialects import Reading, fold, map_columns, symbol_of
from marketdata.importing.files import open_sheet
from marketdata.importing.lean import is_lean, lean_reading
from marketdata.importing.sheets import BadLine, Sheet
from marketdata.importing.stamps import stamps
from marketdata.importing.wide import is_wide, to_long, wide_cells

VALUES = ("open", "high", "low", "close", "volume", "trade_count", "vwap")
SCALED = [i for i, name in enumerate(VALUES) if name not in ("volume", "trade_count")]
UNREADABLE = np.iinfo(np.int64).min // 1_000_000_000
ABSENT = ("", "nan", "null", "none", "n/a", "na", "-")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A file's rows in the file's order.

    `symbol`: index into `names`, "" where the row has none. `stamp`: bar start, UTC seconds since the epoch;
    UNREADABLE where it could not be read. `values`: float64, shape (7, n), NaN absent. `garbled`: an
    optional value is there and is no number. `sheet` keeps the rows as they stand in the file.
    """

    path: Path
    names: list[str]
    symbol: Ints
    stamp: Ints
    sub_second: np.ndarray
    values: Floats
    garbled: np.ndarray
    sheet: Sheet = field(repr=False)

    @property
    def line(self) -> Ints:
        return self.sheet.line

    @property
    def bad(self) -> list[BadLine]:
        return self.sheet.bad

    def __len__(self) -> int:
        return len(self.stamp)


def read(path: Path, reading: Reading) -> Table:
    """Raises UnreadableFile, naming the file and what to pass; NotBars where the file holds something else."""
    if is_lean(path.resolve()):
        reading = lean_reading(path.resolve(), reading)
    sheet = open_sheet(path, reading)
    sheet = sheet.take(~sheet.frame.isna().all(axis=1).to_numpy())
    names = [str(name) for name in sheet.frame.columns]
    cells = sheet.cells or wide_cells(names)
    if not reading.columns and is_wide(names, cells):
        sheet = to_long(sheet, {name: cell for name, cell in cells.items() if fold(cell[0]) != "adj_close"}, path)
    mapped = map_columns([str(name) for name in sheet.frame.columns], reading.columns, path)
    return _table(path, sheet, mapped, reading)


def _table(path: Path, sheet: Sheet, mapped: Mapping[str, str], reading: Reading) -> Table:
    names, symbol = _symbols(path, sheet.frame, mapped, reading)
    nanoseconds = stamps(sheet.frame, mapped, reading, path)
    seconds = nanoseconds // 1_000_000_000
    if reading.label == "end":
        seconds = np.where(seconds > UNREADABLE, seconds - 60, seconds)
    columns = [_numbers(sheet.frame, mapped.get(name)) for name in VALUES]
    values = np.stack([numbers for numbers, _ in columns])
    if reading.scale != 1:
        values[SCALED] /= reading.scale
    garbled = np.logical_or.reduce([words for _, words in columns[4:]])
    return Table(path, names, symbol, seconds, nanoseconds % 1_000_000_000 != 0, values, garbled, sheet)


def _symbols(path: Path, frame: pd.DataFrame, mapped: Mapping[str, str], reading: Reading) -> tuple[list[str], Ints]:
    if reading.symbol or "symbol" not in mapped:
        return [reading.symbol.upper() or symbol_of(path)], np.zeros(len(frame), np.int64)
    column = frame[mapped["symbol"]]
    codes, uniques = pd.factorize(column.astype(object).where(column.notna(), "").astype(str))
    clean = [str(name).strip().upper() for name in uniques]
    names = sorted(set(clean))
    at = {name: place for place, name in enumerate(names)}
    place = np.array([at[name] for name in clean], dtype=np.int64)
    return names, place[codes] if len(codes) else np.zeros(0, np.int64)


def _numbers(frame: pd.DataFrame, name: str | None) -> tuple[Floats, np.ndarray]:
    """The column, and where it holds words instead of a number."""
    if name is None:
        return np.full(len(frame), np.nan), np.zeros(len(frame), dtype=bool)
    raw = frame[name]
    numbers: Floats = pd.to_numeric(raw, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    if pd.api.types.is_numeric_dtype(raw):
        return numbers, np.zeros(len(frame), dtype=bool)
    words = np.isnan(numbers) & raw.notna().to_numpy()
    return numbers, words & ~raw.astype(str).str.strip().str.lower().isin(ABSENT).to_numpy()


def groups(*keys: np.ndarray) -> Iterator[tuple[int, slice]]:
    """Runs of equal rows of already sorted keys: (index of the first row, slice)."""
    if not len(keys[0]):
        return
    change = np.zeros(len(keys[0]), dtype=bool)
    for key in keys:
        change[1:] |= key[1:] != key[:-1]
    starts = np.concatenate([[0], np.flatnonzero(change)])
    for low, high in zip(starts, np.append(starts[1:], len(change)), strict=True):
        yield int(low), slice(int(low), int(high))
