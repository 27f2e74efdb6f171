"""Line ends within quotation marks: where rows stand in the file, and a mark that was never closed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute

from marketdata.columns import Ints
from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.base.sheets import BadLine


def quotes_line_ends(data: bytes) -> bool:
    """Whether a line may end within quotation marks."""
    if b'"' not in data:
        return False
    text = np.frombuffer(data, np.uint8)
    within = np.bitwise_xor.accumulate(text == ord('"'))
    return bool((within & (text == ord("\n"))).any())


def row_lines(table: pa.Table, bad: Sequence[BadLine], skip: int) -> Ints:
    """The number of every row that was kept, from 1, where each row is one line."""
    every = np.arange(skip + 1, skip + 1 + table.num_rows + len(bad), dtype=np.int64)
    gone = np.array([line.line for line in bad], dtype=np.int64)
    return every[~np.isin(every, gone)]


def physical_lines(table: pa.Table, bad: list[BadLine], numbers: Ints) -> tuple[Ints, list[BadLine]]:
    """The line on which each row begins, of the rows that were kept and of the others."""
    places = np.concatenate([numbers, np.array([line.line for line in bad], dtype=np.int64)])
    more = np.concatenate([_line_ends(table), np.array([line.raw.count("\n") for line in bad], dtype=np.int64)])
    order = np.argsort(places)
    before = np.zeros(len(places), dtype=np.int64)
    before[order] = np.cumsum(more[order]) - more[order]
    lines = places + before
    moved = [line._replace(line=int(at)) for line, at in zip(bad, lines[len(numbers) :], strict=True)]
    return lines[: len(numbers)], moved


def refuse_swallowed_rows(table: pa.Table, bad: Sequence[BadLine], numbers: Ints, delimiter: str, path: Path) -> None:
    """Raises UnreadableFile where a cell holds lines that look like rows: its quotation mark is never closed."""
    least = len(table.column_names) - 1
    held = _line_ends(table) > 0
    rows = np.flatnonzero(held)
    texts = [name for name in table.column_names if pa.types.is_string(table.column(name).type)]
    cells = ((int(numbers[row]), table.column(name)[int(row)].as_py()) for row in rows for name in texts)
    for line, cell in (*cells, *((line.line, line.raw) for line in bad)):
        if any(piece.count(delimiter) >= least for piece in cell.split("\n")[1:]):
            raise UnreadableFile(
                f"{path}: cannot be read: a quotation mark in line {line} is not closed, and the rows after it stand "
                "within it: close or remove it."
            )


def _line_ends(table: pa.Table) -> Ints:
    """How many stand within the cells of each row."""
    found = np.zeros(table.num_rows, dtype=np.int64)
    for column in table.columns:
        if pa.types.is_string(column.type):
            found += pyarrow.compute.count_substring(column, "\n").to_numpy()
    return found
