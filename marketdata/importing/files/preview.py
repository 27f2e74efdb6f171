"""A file's first rows as they stand in it, for a person who is asked about them."""

from __future__ import annotations

from pathlib import Path

from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.files.containers import unpacked
from marketdata.importing.files.parquet_files import read_parquet
from marketdata.importing.files.sources import BROKEN
from marketdata.importing.files.texts import as_utf8

ROWS, WIDTH = 6, 160


def first_rows(path: Path) -> list[str]:
    """At most six lines; none of what cannot be shown as text."""
    try:
        if path.name.lower().endswith(".parquet"):
            text = read_parquet(path).frame.head(ROWS - 1).to_csv(index=False)
        else:
            data, _ = as_utf8(unpacked(path)[0], path)
            text = data[: ROWS * 4_096].decode("utf-8", "replace")
    except (UnreadableFile, *BROKEN):
        return []
    if "\0" in text:
        return []
    return [line[:WIDTH] for line in text.splitlines()[:ROWS]]
