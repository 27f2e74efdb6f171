"""A file as one table of canonical columns, whatever form it came in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow

from marketdata.columns import Floats, Ints
from marketdata.importing.dialects import Reading, UnreadableFile, map_columns, stamps, symbol_of

SUFFIXES = (".csv", ".csv.gz", ".parquet")
VALUES = ("open", "high", "low", "close", "volume", "trade_count", "vwap")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A file's rows in the file's order.

    `stamp`: bar start, UTC seconds since the epoch; −2**63 // 10**9 where it could not be read. `line`: of the
    file, from 1, header included (of Parquet: the row, from 1). `values`: float64, shape (7, n), NaN absent.
    """

    path: Path
    symbol: np.ndarray
    stamp: Ints
    sub_second: np.ndarray
    line: Ints
    values: Floats


def find_files(paths: Iterable[Path]) -> list[Path]:
    """Files of the known forms, folders searched through; sorted, each once. Raises UnreadableFile."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(p for p in sorted(path.rglob("*")) if p.name.endswith(SUFFIXES) and p.is_file())
        elif path.is_file() and path.name.endswith(SUFFIXES):
            found[path] = None
        elif path.is_file():
            raise UnreadableFile(f"{path}: not one of the forms {', '.join(SUFFIXES)}.")
        else:
            raise UnreadableFile(f"{path}: there is no such file or folder.")
    if not found:
        raise UnreadableFile(f"No {', '.join(SUFFIXES)} file in {', '.join(map(str, paths))}.")
    return list(found)


def read(path: Path, reading: Reading) -> Table:
    """Raises UnreadableFile, naming the file and what to pass."""
    table = _frame(path)
    mapped = map_columns([str(name) for name in table.columns], reading.columns, path)
    if reading.symbol or "symbol" not in mapped:
        symbol = np.full(len(table), reading.symbol.upper() or symbol_of(path), dtype=object)
    else:
        symbol = table[mapped["symbol"]].astype(str).str.strip().str.upper().to_numpy(dtype=object)
    nanoseconds = stamps(table, mapped, reading, path)
    seconds = nanoseconds // 1_000_000_000
    if reading.label == "end":
        seconds = seconds - 60
    first = 1 if path.name.endswith(".parquet") else 2
    values = np.stack([_numbers(table, mapped.get(name)) for name in VALUES])
    lines = np.arange(len(table), dtype=np.int64) + first
    return Table(path, symbol, seconds, nanoseconds % 1_000_000_000 != 0, lines, values)


def _frame(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path) if path.name.endswith(".parquet") else pd.read_csv(path)
    except (ValueError, OSError, EOFError, pyarrow.ArrowException) as error:
        raise UnreadableFile(f"{path}: cannot be read: {error}") from None


def _numbers(table: pd.DataFrame, name: str | None) -> Floats:
    if name is None:
        return np.full(len(table), np.nan)
    numbers: Floats = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return numbers


def raw_line(table: Table, row: int) -> str:
    """What quarantine keeps of a row."""
    values = ",".join(f"{value:g}" for value in table.values[:, row])
    return f"{table.symbol[row]},{table.stamp[row]},{values}"


def groups(*keys: np.ndarray) -> Iterator[tuple[int, slice]]:
    """Runs of equal rows of already sorted keys: (index of the first row, slice)."""
    change = np.zeros(len(keys[0]), dtype=bool)
    for key in keys:
        change[1:] |= key[1:] != key[:-1]
    starts = np.flatnonzero(np.concatenate([[True], change[1:]])) if len(change) else np.empty(0, np.intp)
    for low, high in zip(starts, np.append(starts[1:], len(change)), strict=True):
        yield int(low), slice(int(low), int(high))
