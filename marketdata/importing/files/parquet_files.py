"""Parquet: a table, with the index that a vendor's library wrote, and the folders of a partitioned one."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from marketdata.importing.base.exported import METADATA
from marketdata.importing.base.sheets import Sheet, numbered
from marketdata.importing.base.spellings import fold
from marketdata.importing.files.containers import refuse_too_much


def parquet_names(path: Path) -> tuple[str, ...]:
    """The columns, without reading a row."""
    return tuple(str(name) for name in parquet.read_schema(path).names)


CELL_BYTES, BATCH_ROWS = 8, 65_536


def is_export(path: Path) -> bool:
    """Whether Tapedeck wrote it."""
    return METADATA.items() <= (parquet.read_schema(path).metadata or {}).items()


def _bounded(path: Path, opened: parquet.ParquetFile) -> pa.Table:
    """All rows. Raises UnreadableFile where they take more than the settings allow: texts may be of any length."""
    packed, advice = path.stat().st_size, "cut it into smaller ones"
    size = opened.metadata.num_rows * opened.metadata.num_columns * CELL_BYTES
    refuse_too_much(path, size, packed, advice)
    batches, size = [], 0
    for batch in opened.iter_batches(batch_size=BATCH_ROWS):
        size += batch.nbytes
        refuse_too_much(path, size, packed, advice)
        batches.append(batch)
    return pa.Table.from_batches(batches, schema=opened.schema_arrow)


def read_parquet(path: Path) -> Sheet:
    """An index of stamps or symbols, as vendors' libraries write it, is a column like the others."""
    opened = parquet.ParquetFile(path)
    frame = _bounded(path, opened).to_pandas()
    if any(name is not None for name in frame.index.names) or isinstance(frame.index, pd.DatetimeIndex):
        frame = frame.reset_index(names=[str(name or "time") for name in frame.index.names])
    if not isinstance(frame.columns, pd.MultiIndex):
        frame.columns = frame.columns.map(str)
        return numbered(frame)
    pairs = [tuple(str(part) for part in pair[:2]) for pair in frame.columns]
    fields_first = any(fold(a) in ("open", "close") for a, _ in pairs)
    frame.columns = pd.Index([f"{a} {b}".strip() for a, b in pairs])
    cells = {f"{a} {b}": (a, b) if fields_first else (b, a) for a, b in pairs if a and b}
    return numbered(frame, cells)
