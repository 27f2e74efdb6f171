"""The import itself: file by file, a chunk of days per transaction, with a report that accounts for every row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from django.db import transaction

from marketdata import store
from marketdata.columns import BarColumns
from marketdata.errors import MarketDataError
from marketdata.importing import quarantine
from marketdata.importing.dialects import SYMBOL, SYMBOL_FORM, Reading, UnreadableFile
from marketdata.importing.reading import read
from marketdata.importing.splitting import Split, split
from marketdata.ledger import complete
from marketdata.models import Dataset, Instrument, Scope
from marketdata.store import NewDay, StoredDay

CHUNK = 1_000
"""Days per transaction: some 390,000 bars. A killed import loses at most one chunk's work."""


@dataclass(slots=True)
class Report:
    """What became of a dataset's rows. rows = inserted + unchanged + revised + outside_session + repeated + rejected.

    `days` counts the versions written.
    """

    dataset: str
    files: int = 0
    rows: int = 0
    inserted: int = 0
    unchanged: int = 0
    revised: int = 0
    outside_session: int = 0
    repeated: int = 0
    rejected: int = 0
    days: int = 0
    symbols: set[str] = field(default_factory=set)
    first: dt.date | None = None
    last: dt.date | None = None

    def as_dict(self) -> dict[str, Any]:
        dates = {
            name: date.isoformat() if date else None for name, date in (("first", self.first), ("last", self.last))
        }
        return {**asdict(self), "symbols": len(self.symbols), **dates}

    def count(self, rows: int, parts: Split) -> None:
        self.files += 1
        self.rows += rows
        self.rejected += len(parts.rejected)
        self.repeated += parts.repeated
        dates = [day.date for day in parts.days]
        if dates:
            self.first = min([*dates, *([self.first] if self.first else [])])
            self.last = max([*dates, *([self.last] if self.last else [])])
        self.symbols |= {day.symbol for day in parts.days}
        self.outside_session += sum(len(day.bars) for day in parts.days if day.scope == Scope.EXTENDED)


class DryRunEnds(Exception):
    """Carries a dry run out of its transaction."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadFile:
    """A file that was read and not yet written.

    `known_at`: the market time from which its bars were known, for sessions that replay days as known.
    """

    path: Path
    rows: int
    parts: Split
    known_at: dt.datetime | None = None

    @property
    def keys(self) -> set[tuple[str, dt.date, str]]:
        return {(day.symbol, day.date, day.scope) for day in self.parts.days}


def import_file(
    path: Path,
    reading: Reading,
    report: Report,
    *,
    known_only: bool = False,
    dry_run: bool = False,
    known_at: dt.datetime | None = None,
) -> None:
    """One file; a dry run does the same and takes it back. Raises MarketDataError."""
    write_files([read_file(path, reading, known_only=known_only, known_at=known_at)], report, dry_run=dry_run)


def read_file(
    path: Path, reading: Reading, *, known_only: bool = False, known_at: dt.datetime | None = None
) -> ReadFile:
    """Raises MarketDataError, naming the file and what to pass."""
    if reading.interval != "1m":
        raise MarketDataError(
            f"Interval {reading.interval!r} cannot be imported: the store keeps 1m and derives the rest."
        )
    table = read(path, reading)
    parts = split(table)
    refuse_bad_symbols(path, {day.symbol for day in parts.days}, known_only)
    return ReadFile(path, len(table) + len(table.bad), parts, known_at)


def write_files(files: Sequence[ReadFile], report: Report, *, dry_run: bool = False) -> None:
    """Files of one dataset, of which no two have the same instrument's day."""
    if dry_run:
        with suppress(DryRunEnds), transaction.atomic():
            _write(files, report)
            raise DryRunEnds
    else:
        _write(files, report)
    for file in files:
        report.count(file.rows, file.parts)


def _write(files: Sequence[ReadFile], report: Report) -> None:
    dataset, _ = Dataset.objects.get_or_create(
        name=report.dataset, defaults={"source": report.dataset, "feed": "", "price_mode": "raw"}
    )
    ids = store.ensure_instruments({day.symbol for file in files for day in file.parts.days})
    days = [
        NewDay(ids[day.symbol], day.date, day.bars, day.scope, known_at=file.known_at, origin=file.path.name)
        for file in files
        for day in file.parts.days
    ]
    for start in range(0, len(days), CHUNK):
        with store.writing(dataset.pk):
            _write_chunk(dataset.pk, days[start : start + CHUNK], report)
    quarantine.replace_all(dataset, {file.path: file.parts.rejected for file in files})


def _write_chunk(dataset_id: int, days: Sequence[NewDay], report: Report) -> None:
    """Write days whole: a file that has part of a stored day completes it, its own bars winning."""
    held = store.load_other_content(dataset_id, days)
    regular = [day for day in days if day.scope == Scope.REGULAR]
    rest = [day for day in days if day.scope != Scope.REGULAR and day.key not in held]
    written = store.write_days(dataset_id, [day for day in regular if day.key not in held])
    report.inserted += written.inserted
    report.unchanged += written.unchanged
    completed = [_completed(day, held[day.key]) for day in days if day.key in held]
    report.days += written.days_written + store.write_days(dataset_id, [*rest, *completed]).days_written
    for day in regular:
        if day.key in held:
            _count_against(day.bars, held[day.key].bars, report)


def _count_against(bars: BarColumns, stored: BarColumns, report: Report) -> None:
    """A file's bars of a day that the store has otherwise: minutes new to it, the same in it, and corrected."""
    known = np.isin(bars.offset, stored.offset)
    mine, theirs = bars.take(known), stored.take(np.isin(stored.offset, bars.offset))
    pairs = [(getattr(mine, name), getattr(theirs, name)) for name in BarColumns.__slots__[1:]]
    same = np.logical_and.reduce([(a == b) | (np.isnan(a) & np.isnan(b)) for a, b in pairs])
    report.inserted += int((~known).sum())
    report.unchanged += int(same.sum())
    report.revised += int((~same).sum())


def _completed(day: NewDay, stored: StoredDay) -> NewDay:
    """Stored minutes that the file does not have, and the file's."""
    kept = stored.bars.take(~np.isin(stored.bars.offset, day.bars.offset))
    columns = (np.concatenate([getattr(kept, name), getattr(day.bars, name)]) for name in BarColumns.__slots__)
    both = BarColumns(*columns)
    ledger = complete(stored.ledger, day.bars.offset) if stored.ledger else ""
    return replace(day, bars=both.take(np.argsort(both.offset, kind="stable")), ledger=ledger)


def refuse_bad_symbols(path: Path, found: Collection[str], known_only: bool) -> None:
    symbols = sorted(found)
    bad = [symbol for symbol in symbols if not SYMBOL.fullmatch(symbol)]
    if bad:
        raise UnreadableFile(f"{path}: {bad[0]!r} is not a symbol: {SYMBOL_FORM}.")
    if known_only:
        known = set(Instrument.objects.filter(symbol__in=symbols).values_list("symbol", flat=True))
        unknown = [symbol for symbol in symbols if symbol not in known]
        if unknown:
            raise UnreadableFile(
                f"{path}: unknown symbols {', '.join(unknown)}: leave out --known-only to create them."
            )
