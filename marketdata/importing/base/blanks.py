"""Texts with blanks between their columns: read where every line has as many words, so that none is within a column."""

from __future__ import annotations

import re
from pathlib import Path

from marketdata.importing.base.heads import DELIMITERS
from marketdata.importing.base.refusals import UnreadableFile

LEAST_COLUMNS = 5
SAMPLE_LINES = 1000
BETWEEN = re.compile(rb"[ \t]+")
AROUND = re.compile(rb"^ | $", re.MULTILINE)
NOTE = "its columns stand apart by blanks"


def with_tabs(data: bytes, path: Path, delimiter: str) -> tuple[bytes, str]:
    """The text with tabs between its columns, and what is worth saying; as it is where something else stands there.

    Raises UnreadableFile where a blank may also be within a column, as between a date and a clock under one name.
    """
    sample = data.split(b"\n", SAMPLE_LINES)[:SAMPLE_LINES]
    lines = [line for line in (line.decode("utf-8", "replace").strip() for line in sample) if line]
    if delimiter or not lines or any(mark in line for line in lines for mark in DELIMITERS):
        return data, ""
    counts = {len(line.split()) for line in lines}
    if len(lines[0].split()) < LEAST_COLUMNS:
        return data, ""
    if len(counts) > 1 or any('"' in line for line in lines):
        raise UnreadableFile(f"{path}: cannot be read: blanks stand between its columns: put commas or tabs there.")
    return BETWEEN.sub(b"\t", AROUND.sub(b"", BETWEEN.sub(b" ", data.replace(b"\r\n", b"\n")))), NOTE
