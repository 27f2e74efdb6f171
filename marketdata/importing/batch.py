"""Thousands of small files: read one by one, written a hundred at a time."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from marketdata.importing.dialects import Reading
from marketdata.importing.runner import CHUNK, ReadFile, Report, read_file, write_files

MOST_FILES = 100


class Batch:
    """Files that were read and are not yet written; `flush` after the last one.

    A file whose dataset or days do not fit with those before it has them written first.
    """

    def __init__(self, *, known_only: bool = False, dry_run: bool = False, known_at: dt.datetime | None = None) -> None:
        self._known_only, self._dry_run, self._known_at = known_only, dry_run, known_at
        self._files: list[ReadFile] = []
        self._days: set[tuple[str, dt.date, str]] = set()
        self._report: Report | None = None

    def add(self, path: Path, reading: Reading, report: Report) -> None:
        """Raises MarketDataError for a file that cannot be used: it is then not of the batch."""
        file = read_file(path, reading, known_only=self._known_only, known_at=self._known_at)
        full = len(self._files) >= MOST_FILES or len(self._days) + len(file.keys) > CHUNK
        if full or self._report is not report or not self._days.isdisjoint(file.keys):
            self.flush()
        self._files.append(file)
        self._days |= file.keys
        self._report = report

    def flush(self) -> None:
        if self._report and self._files:
            write_files(self._files, self._report, dry_run=self._dry_run)
        self._files, self._days, self._report = [], set(), None
