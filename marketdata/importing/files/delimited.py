"""Delimited text as columns, with the line of every row; lines of another length are reported, not dropped."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv

from marketdata.importing.base.heads import Head
from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.base.sheets import BadLine, Sheet, Text
from marketdata.importing.base.spellings import SPELLINGS, TIME, fold
from marketdata.importing.files.quoted_lines import physical_lines, quotes_line_ends, refuse_swallowed_rows, row_lines

NULLS = ["", "NaN", "nan", "null", "None"]
"""What stands for no number; a text stays what it is, as NULL and nan are symbols."""
TEXTS = frozenset(spelling for kind in SPELLINGS.values() for spelling in kind["symbol"]) | {"sym_root", "sym_suffix"}
CODES = frozenset(
    spelling
    for kind in SPELLINGS.values()
    for name in ("exchange", "condition", "bid_exchange", "ask_exchange")
    for spelling in kind.get(name, ())
)
CLOCKS = ("time", "time_m", "timestamp")
STAMPS = frozenset(spelling for kind in SPELLINGS.values() for spelling in kind["time"])
COMMA_NUMBER = r"^\s*[+-]?\d[\d.\s'\x{a0}\x{202f}]*,\d+\s*$"


def read_delimited(data: bytes, head: Head, names: Collection[str], path: Path, kind: str, decimal: str = "") -> Sheet:
    """Raises UnreadableFile for a text that is no table."""
    names = list(names)
    lines = data.count(b"\n") + (not data.endswith(b"\n")) - head.skip
    if lines <= 0:
        return Sheet(pd.DataFrame({name: [] for name in names}), np.empty(0, np.int64), [], dict(head.cells))
    types = _types(names, kind)
    table, bad = _parsed(data, head, names, types, path)
    exact = {name: pa.string() for name in names if fold(name) in STAMPS and pa.types.is_floating(table[name].type)}
    if exact:  # as floats they would lose their last digits
        types |= exact
        table, bad = _parsed(data, head, names, types, path)
    if decimal == "," or has_decimal_commas(table, types):
        # With such commas 12.345 are thousands: what pyarrow took for a number is wanted as it was written.
        texts = {name: pa.string() for name in names if _is_number(table, name)}
        table, bad = _parsed(data, head, names, types | texts, path)
    if not table.num_rows and bad:
        commas = head.delimiter == "," and bad[0].raw.count(",") >= len(names)
        advice = ": numbers with commas need quotation marks, or semicolons between the columns" if commas else ""
        raise UnreadableFile(f"{path}: cannot be read: line {bad[0].line}: {bad[0].reason}{advice}.")
    numbers = row_lines(table, bad, head.skip)
    if table.num_rows + len(bad) != lines:  # a quoted cell may hold line ends
        refuse_swallowed_rows(table, bad, numbers, head.delimiter, path)
        numbers, bad = physical_lines(table, bad, numbers)
    frame = as_frame(table)
    sheet = Sheet(frame, numbers, bad, dict(head.cells), Text(data), decimal=decimal)
    return sheet.take(~_blank(frame))


def _parsed(
    data: bytes, head: Head, names: list[str], types: dict[str, pa.DataType], path: Path
) -> tuple[pa.Table, list[BadLine]]:
    """The table, and the lines that have another number of columns; their lines are counted in rows."""
    bad: list[BadLine] = []

    def keep(row: Any) -> str:
        reason = f"{row.actual_columns} of {row.expected_columns} columns"
        bad.append(BadLine(row.number, f"the line has {reason}", row.text))
        return "skip"

    read = pyarrow.csv.ReadOptions(use_threads=False, column_names=names, skip_rows=head.skip)
    parse = pyarrow.csv.ParseOptions(
        delimiter=head.delimiter,
        ignore_empty_lines=False,
        newlines_in_values=quotes_line_ends(data),
        invalid_row_handler=keep,
    )
    convert = pyarrow.csv.ConvertOptions(column_types=types, null_values=NULLS, strings_can_be_null=False)
    try:
        return pyarrow.csv.read_csv(pa.BufferReader(data), read, parse, convert), bad
    except pa.ArrowException as error:
        raise UnreadableFile(f"{path}: cannot be read: {error}") from None


def _is_number(table: pa.Table, name: str) -> bool:
    kind = table.column(name).type
    return pa.types.is_floating(kind) or (pa.types.is_integer(kind) and fold(name) not in TIME)


def has_decimal_commas(table: pa.Table, texts: Collection[str]) -> bool:
    """Whether any column of numbers has them. `texts`: columns that are none."""
    columns = (table.column(name) for name in table.column_names if name not in texts and fold(name) not in TIME)
    return any(
        pyarrow.compute.any(pyarrow.compute.match_substring_regex(column, COMMA_NUMBER)).as_py()
        for column in columns
        if pa.types.is_string(column.type)
    )


def as_frame(table: pa.Table) -> pd.DataFrame:
    """The table for pandas; stamps that are whole numbers stay exact where some are absent."""
    frame: pd.DataFrame = table.to_pandas()
    for name in table.column_names:
        column = table.column(name)
        stamps = fold(name) in TIME or fold(name).endswith("timestamp")
        if stamps and pa.types.is_integer(column.type) and column.null_count:
            frame[name] = pd.array(column.to_pylist(), dtype="Int64")
    return frame


def _types(names: list[str], kind: str) -> dict[str, pa.DataType]:
    """Symbols and codes stay text (TRUE and NA are symbols); so do dates and times of day in columns of their own."""
    folded = {fold(name): name for name in reversed(names)}
    texts = {name for spelling, name in folded.items() if spelling in TEXTS}
    if kind != "bars":
        texts |= {name for spelling, name in folded.items() if spelling in CODES}
    clock = next((folded[name] for name in CLOCKS if name in folded), None)
    if "date" in folded and clock:
        texts |= {folded["date"], clock}
    if "seconds" in folded:  # as a float it would lose its last digits
        texts.add(folded["seconds"])
    return dict.fromkeys(texts, pa.string())


def _blank(frame: pd.DataFrame) -> np.ndarray:
    """Rows in which nothing stands."""
    blank = np.ones(len(frame), dtype=bool)
    texts = [str(name) for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    for name in frame.columns.difference(texts):
        blank &= frame[name].isna().to_numpy()
    if not blank.any():
        return blank
    for name in texts:
        column = frame[name][blank]
        there = column.notna() & (column.astype(str).str.strip() != "")
        blank[np.flatnonzero(blank)[there.to_numpy()]] = False
    return blank
