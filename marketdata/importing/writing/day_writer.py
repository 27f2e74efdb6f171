"""Files that were read into the store: a chunk of days per transaction, and for each day what became of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from django.db import transaction

from marketdata import store
from marketdata.columns import BarColumns
from marketdata.importing.days.read_file import ReadFile
from marketdata.importing.writing import quarantine
from marketdata.importing.writing.import_record import Record
from marketdata.importing.writing.report import Change, Report, Tally, rejections
from marketdata.importing.writing.tick_writing import write_ticks
from marketdata.kinds import DayKind
from marketdata.ledger import complete
from marketdata.models import Scope
from marketdata.store import LoadedDay, NewDay

CHUNK = 1_000
"""Days per transaction: some 390,000 bars. A killed import loses at most one chunk's work."""
MOST_FILES = 100


class DryRunEnds(Exception):
    """Carries a dry run out of its transaction."""


@dataclass(frozen=True, slots=True, eq=False)
class FileDay:
    """A day on its way, and the file that it comes from by its place in the batch."""

    file: int
    symbol: str
    new: NewDay


class Writer:
    """One dataset's files, small ones a hundred at a time; `flush` after the last one.

    A file whose days do not fit with those before it has them written first.
    """

    def __init__(self, report: Report, record: Record, *, dry_run: bool = False) -> None:
        self.report, self._record, self._dry_run = report, record, dry_run
        self._files: list[ReadFile] = []
        self._days: set[tuple[str, dt.date, str]] = set()

    def add(self, file: ReadFile) -> None:
        keys = {(day.symbol, day.date, day.scope) for day in file.parts.days}
        single_events = file.kind != DayKind.BARS
        full = len(self._files) >= MOST_FILES or len(self._days) + len(keys) > CHUNK
        if full or single_events or not self._days.isdisjoint(keys):
            self.flush()
        self._files.append(file)
        self._days |= keys
        if single_events:
            self.flush()

    def flush(self) -> None:
        if not self._files:
            return
        if self._dry_run:
            with suppress(DryRunEnds), transaction.atomic():
                changes = self._write(self._files)
                raise DryRunEnds
            self._record.row = None  # it went with the transaction
        else:
            changes = self._write(self._files)
        for file, of_file in zip(self._files, changes, strict=True):
            self.report.count(file, of_file)
        self._files, self._days = [], set()

    def _write(self, files: Sequence[ReadFile]) -> list[list[Change]]:
        """What became of each file's days."""
        dataset = self._record.begin()
        ids: dict[str, int] = {}
        for file in files:
            ids |= self._record.instruments({day.symbol for day in file.parts.days}, file.exchange)
        if files[0].kind == DayKind.BARS:
            changes = self._write_bars(dataset.pk, ids, files)
        else:
            with store.writing(dataset.pk):  # before it is read what of a day is stored already
                changes = [write_ticks(dataset.pk, ids, file) for file in files]
                self._record.keep([change for of_file in changes for change in of_file])
        self._record.keep([change for file in files for change in rejections(file)])
        quarantine.replace_all(dataset, {file.path: file.parts.rejected for file in files}, self._record.row)
        return changes

    def _write_bars(self, dataset_id: int, ids: dict[str, int], files: Sequence[ReadFile]) -> list[list[Change]]:
        days = [
            FileDay(
                number,
                day.symbol,
                NewDay(ids[day.symbol], day.date, day.rows, day.scope, known_at=file.known_at, origin=file.path.name),
            )
            for number, file in enumerate(files)
            for day in file.parts.days
        ]
        found: list[list[Change]] = [[] for _ in files]
        for start in range(0, len(days), CHUNK):
            part = days[start : start + CHUNK]
            with store.writing(dataset_id):
                changes = _write_chunk(dataset_id, part)
                self._record.keep(changes)
            for day, change in zip(part, changes, strict=True):
                found[day.file].append(change)
        return found


def _write_chunk(dataset_id: int, days: Sequence[FileDay]) -> list[Change]:
    """Write days whole: a file that has part of a stored day completes it, its own bars winning."""
    held = store.load_other_content(dataset_id, [day.new for day in days])
    new = [_completed(day.new, held[day.new.key]) if day.new.key in held else day.new for day in days]
    versions = store.write_days(dataset_id, new).versions
    changes = []
    for day in days:
        key = day.new.key
        version = versions.get(key)
        row, before = version or (None, None)
        place = (day.symbol, day.new.date, str(DayKind.BARS), day.new.scope, row, before)
        changes.append(Change(*place, _became(day.new, held.get(key), written=version is not None)))
    return changes


def _became(day: NewDay, stored: LoadedDay | None, *, written: bool) -> Tally:
    """A file's bars of a day: new to the store, the same in it, and corrected."""
    if day.scope != Scope.REGULAR:
        return Tally(outside=len(day.rows))
    if stored is None:
        return Tally(inserted=len(day.rows)) if written else Tally(unchanged=len(day.rows))
    bars, known = day.bars, np.isin(day.bars.offset, stored.bars.offset)
    mine, theirs = bars.take(known), stored.bars.take(np.isin(stored.bars.offset, bars.offset))
    pairs = [(getattr(mine, name), getattr(theirs, name)) for name in BarColumns.__slots__[1:]]
    same = int(np.logical_and.reduce([(a == b) | (np.isnan(a) & np.isnan(b)) for a, b in pairs]).sum())
    return Tally(int((~known).sum()), same, int(known.sum()) - same)


def _completed(day: NewDay, stored: LoadedDay) -> NewDay:
    """Stored minutes that the file does not have, and the file's."""
    kept = stored.bars.take(~np.isin(stored.bars.offset, day.bars.offset))
    columns = (np.concatenate([getattr(kept, name), getattr(day.bars, name)]) for name in BarColumns.__slots__)
    both = BarColumns(*columns)
    ledger = complete(stored.ledger, day.bars.offset) if stored.ledger else ""
    return replace(day, rows=both.take(np.argsort(both.offset, kind="stable")), ledger=ledger)
