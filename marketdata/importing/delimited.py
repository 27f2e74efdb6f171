"""Delimited text as columns, with the line of every row; lines of another length are reported, not dropped."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from marketdata.importing.heads import Head
from marketdata.importing.refusals import UnreadableFile
from marketdata.importing.sheets import BadLine, Sheet, Text
from marketdata.importing.spellings import SPELLINGS, TIME, fold

NULLS = ["", "NaN", "nan", "null", "None"]
"""What stands for no number; a text stays what it is, as NULL and nan are symbols."""
TEXTS = frozenset(spelling for kind in SPELLINGS.values() for spelling in kind["symbol"]) | {"sym_root", "sym_suffix"}
CODES = frozenset(
    spelling
    for kind in SPELLINGS.values()
    for name in ("exchange", "condition", "bid_exchange", "ask_exchange")
    for spelling in kind.get(name, ())
)
CLOCKS = ("time", "time_m")


def read_delimited(data: bytes, head: Head, names: Collection[str], path: Path, kind: str) -> Sheet:
    """Raises UnreadableFile for a text that is no table."""
    names = list(names)
    bad: list[BadLine] = []
    if data.count(b"\n") + (not data.endswith(b"\n")) <= head.skip:
        return Sheet(pd.DataFrame({name: [] for name in names}), np.empty(0, np.int64), [], dict(head.cells))

    def keep(row: Any) -> str:
        reason = f"{row.actual_columns} of {row.expected_columns} columns"
        bad.append(BadLine(row.number, f"the line has {reason}", row.text))
        return "skip"

    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(data),
            read_options=pyarrow.csv.ReadOptions(use_threads=False, column_names=names, skip_rows=head.skip),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=head.delimiter, ignore_empty_lines=False, invalid_row_handler=keep
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=_types(names, kind), null_values=NULLS, strings_can_be_null=False
            ),
        )
    except pa.ArrowException as error:
        raise UnreadableFile(f"{path}: cannot be read: {error}") from None
    if not table.num_rows and bad:
        raise UnreadableFile(f"{path}: cannot be read: line {bad[0].line}: {bad[0].reason}.")
    frame = as_frame(table)
    sheet = Sheet(frame, _lines(len(frame), head.skip, bad), bad, dict(head.cells), Text(data))
    return sheet.take(~_blank(frame))


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


def _lines(count: int, skip: int, bad: list[BadLine]) -> np.ndarray:
    """The physical line of every row that was kept."""
    every = np.arange(skip + 1, skip + 1 + count + len(bad), dtype=np.int64)
    gone = np.array([line.line for line in bad], dtype=np.int64)
    return every[~np.isin(every, gone)]
