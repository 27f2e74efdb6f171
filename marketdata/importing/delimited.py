"""Delimited text as columns, with the line of every row; lines of another length are told, not dropped."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from marketdata.importing.dialects import SPELLINGS, Reading, UnreadableFile, fold
from marketdata.importing.sheets import BadLine, Sheet, Text

DELIMITERS = ",;\t|"
NULLS = ["", "NaN", "nan", "null", "None"]
"""No capitals alone: NA and NAN can be symbols."""
HEAD_BYTES = 16_384
NUMBER = re.compile(r"\s*[+-]?\d+(\.\d*)?([eE][+-]?\d+)?\s*")
DATE = re.compile(r"\d{8}|\d{1,4}[/.\-]\d{1,2}[/.\-]\d{1,4}")
VALUES = ("open", "high", "low", "close", "volume", "trade_count")
TEXTS = frozenset(SPELLINGS["symbol"])
LEVELS = {"price", "ticker", ""}


@dataclass(frozen=True, slots=True)
class Head:
    """`names` of the columns; `skip` lines before the rows; `cells`: name → (field, symbol) in a wide file."""

    delimiter: str
    names: list[str]
    skip: int
    cells: dict[str, tuple[str, str]]


def read_delimited(stream: BinaryIO, path: Path, reading: Reading) -> Sheet:
    """Raises UnreadableFile for a text that is no table."""
    data = stream.read()
    head = _head(data[:HEAD_BYTES].decode("utf-8-sig", "replace"), path, reading)
    bad: list[BadLine] = []
    if data.count(b"\n") + (not data.endswith(b"\n")) <= head.skip:
        return Sheet(pd.DataFrame({name: [] for name in head.names}), np.empty(0, np.int64), [], head.cells)

    def keep(row: Any) -> str:
        told = f"{row.actual_columns} of {row.expected_columns} columns"
        bad.append(BadLine(row.number, f"the line has {told}", row.text))
        return "skip"

    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(data),
            read_options=pyarrow.csv.ReadOptions(use_threads=False, column_names=head.names, skip_rows=head.skip),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=head.delimiter, ignore_empty_lines=False, invalid_row_handler=keep
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=_types(head.names), null_values=NULLS, strings_can_be_null=True
            ),
        )
    except pa.ArrowException as error:
        raise UnreadableFile(f"{path}: cannot be read: {error}") from None
    if not table.num_rows and bad:
        raise UnreadableFile(f"{path}: cannot be read: line {bad[0].line}: {bad[0].reason}.")
    frame = table.to_pandas()
    return Sheet(frame, _lines(len(frame), head.skip, bad), bad, head.cells, Text(data))


def _types(names: list[str]) -> dict[str, pa.DataType]:
    """Symbols stay text (TRUE and NA are symbols); so do dates and times of day in columns of their own."""
    folded = {fold(name): name for name in names}
    texts = {folded[name] for name in TEXTS if name in folded}
    if "date" in folded and "time" in folded:
        texts |= {folded["date"], folded["time"]}
    return dict.fromkeys(texts, pa.string())


def _lines(count: int, skip: int, bad: list[BadLine]) -> np.ndarray:
    """The physical line of every row that was kept."""
    every = np.arange(skip + 1, skip + 1 + count + len(bad), dtype=np.int64)
    gone = np.array([line.line for line in bad], dtype=np.int64)
    return every[~np.isin(every, gone)]


def _head(text: str, path: Path, reading: Reading) -> Head:
    lines = text.splitlines()[:4]
    if not lines or not lines[0].strip():
        raise UnreadableFile(f"{path}: cannot be read: it is empty.")
    delimiter = reading.delimiter or max(DELIMITERS, key=lines[0].count)
    rows = [next(csv.reader([line], delimiter=delimiter), []) for line in lines]
    first = [cell.strip() for cell in rows[0]]
    if reading.header:
        names = [*reading.header, *(f"column {i}" for i in range(len(reading.header), len(first)))]
        return Head(delimiter, names[: len(first)], 0, {})
    if _is_data(first):
        return Head(delimiter, _positions(first), 0, {})
    if len(rows) > 1 and rows[1] and {first[0].lower(), rows[1][0].strip().lower()} <= LEVELS:
        return _two_levels(delimiter, first, rows)
    return Head(delimiter, _unique(first), 1, {})


def _is_data(cells: list[str]) -> bool:
    """A row of values and not of names: files without a head line."""
    return sum(bool(NUMBER.fullmatch(cell)) for cell in cells) >= 4


def _positions(cells: list[str]) -> list[str]:
    """Names by place: [symbol] date [time] open high low close [volume [trade_count]]."""
    names = []
    if re.match(r"[A-Za-z]", cells[0]):
        names.append("symbol")
    stamp = cells[len(names)]
    if DATE.fullmatch(stamp) and not re.fullmatch(r"\d{9,}", stamp):
        after = cells[len(names) + 1] if len(cells) > len(names) + 1 else ""
        names += ["date", "time"] if re.fullmatch(r"\d{1,2}:\d\d(:\d\d)?|\d{3,6}", after) else ["date"]
    else:
        names.append("timestamp")
    names += VALUES[: len(cells) - len(names)]
    return names + [f"column {i}" for i in range(len(names), len(cells))]


def _two_levels(delimiter: str, first: list[str], rows: list[list[str]]) -> Head:
    """A head of two lines, fields and symbols in either order, and mostly a third that names the stamp."""
    second = [cell.strip() for cell in rows[1]]
    fields, symbols = (first, second) if any(fold(cell) in ("open", "close") for cell in first) else (second, first)
    third = [cell.strip() for cell in rows[2]] if len(rows) > 2 else []
    named = bool(third) and not any(third[1:]) and not NUMBER.fullmatch(third[0]) and not re.match(r"\d", third[0])
    names = ["timestamp", *(f"{a} {b}" for a, b in zip(fields[1:], symbols[1:], strict=True))]
    cells = {name: (a, b) for name, a, b in zip(names[1:], fields[1:], symbols[1:], strict=True)}
    return Head(delimiter, names, 3 if named else 2, cells)


def _unique(names: list[str]) -> list[str]:
    """Names as they are; an unnamed column gets its place, a repeated one too."""
    seen: set[str] = set()
    found = []
    for place, name in enumerate(names):
        fresh = name if name and name not in seen else f"column {place}"
        seen.add(fresh)
        found.append(fresh)
    return found
