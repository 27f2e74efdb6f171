"""The import itself: file by file, one transaction each, with a report that accounts for every row."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from django.db import transaction

from marketdata import store
from marketdata.columns import BarColumns
from marketdata.errors import MarketDataError
from marketdata.importing.dialects import Reading, UnreadableFile
from marketdata.importing.reading import read
from marketdata.importing.splitting import Rejected, SymbolDay, split
from marketdata.models import Dataset, Instrument, QuarantinedRow, Scope
from marketdata.store import NewDay, WriteReport

SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.\-^/=_]{0,15}")


@dataclass(slots=True)
class Report:
    """What became of a dataset's rows. rows = inserted + unchanged + revised + outside + repeated + rejected,

    where a day that a file only completes counts its stored bars as unchanged in addition.
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

    def count_days(self, days: Sequence[SymbolDay]) -> None:
        dates = [day.date for day in days]
        if dates:
            self.first = min([*dates, *([self.first] if self.first else [])])
            self.last = max([*dates, *([self.last] if self.last else [])])
        self.symbols |= {day.symbol for day in days}
        self.outside_session += sum(len(day.bars) for day in days if day.scope == Scope.EXTENDED)

    def count_written(self, regular: WriteReport, extended: WriteReport) -> None:
        self.inserted += regular.inserted
        self.unchanged += regular.unchanged
        self.revised += regular.revised
        self.days += regular.days_written + extended.days_written


class DryRunEnds(Exception):
    """Carries a dry run out of its transaction."""


def import_file(
    path: Path, reading: Reading, report: Report, *, known_only: bool = False, dry_run: bool = False
) -> None:
    """One file in one transaction; a dry run does the same and takes it back. Raises MarketDataError."""
    if reading.interval != "1m":
        raise MarketDataError(
            f"Interval {reading.interval!r} cannot be imported: the store keeps 1m and derives the rest."
        )
    table = read(path, reading)
    parts = split(table)
    refuse_bad_symbols(path, {day.symbol for day in parts.days}, known_only)
    try:
        with transaction.atomic():
            _write(path, report, parts.days, parts.rejected)
            if dry_run:
                raise DryRunEnds
    except DryRunEnds:
        pass
    report.files += 1
    report.rows += len(table.stamp)
    report.rejected += len(parts.rejected)
    report.repeated += parts.repeated
    report.count_days(parts.days)


def _write(path: Path, report: Report, days: Sequence[SymbolDay], rejected: Sequence[Rejected]) -> None:
    dataset, _ = Dataset.objects.get_or_create(
        name=report.dataset, defaults={"source": report.dataset, "feed": "", "price_mode": "raw"}
    )
    ids = store.ensure_instruments(day.symbol for day in days)
    for scope in (Scope.REGULAR, Scope.EXTENDED):
        _complete_and_write(dataset, path, [day for day in days if day.scope == scope], ids, report)
    QuarantinedRow.objects.bulk_create(
        [
            QuarantinedRow(
                dataset=dataset,
                file=str(path)[-512:],
                line=row.line,
                reason=row.reason,
                raw=row.raw,
                symbol=row.symbol[:64],
            )
            for row in rejected
        ],
        ignore_conflicts=True,
    )


def _complete_and_write(
    dataset: Dataset, path: Path, days: Sequence[SymbolDay], ids: dict[str, int], report: Report
) -> None:
    """Write days whole: a file that has part of a stored day completes it, its own bars winning."""
    new = []
    for date in sorted({day.date for day in days}):
        today = [day for day in days if day.date == date]
        held = store.load_day(dataset.pk, date, [day.symbol for day in today], scope=today[0].scope)
        for day in today:
            stored = held.get(day.symbol)
            bars = _union(stored.bars, day.bars) if stored else day.bars
            new.append(NewDay(ids[day.symbol], date, bars, scope=day.scope, origin=path.name))
    written = store.write_days(dataset.pk, new)
    none = WriteReport()
    if days and days[0].scope == Scope.REGULAR:
        report.count_written(written, none)
    else:
        report.count_written(none, written)


def _union(stored: BarColumns, new: BarColumns) -> BarColumns:
    """Stored minutes that the file does not have, and the file's."""
    kept = stored.take(~np.isin(stored.offset, new.offset))
    columns = (np.concatenate([getattr(kept, name), getattr(new, name)]) for name in BarColumns.__slots__)
    both = BarColumns(*columns)
    return both.take(np.argsort(both.offset, kind="stable"))


def refuse_bad_symbols(path: Path, found: Collection[str], known_only: bool) -> None:
    symbols = sorted(found)
    bad = [symbol for symbol in symbols if not SYMBOL.fullmatch(symbol)]
    if bad:
        raise UnreadableFile(f"{path}: {bad[0]!r} is not a symbol: one to sixteen capitals, digits or . - ^ / = _.")
    if known_only:
        known = set(Instrument.objects.filter(symbol__in=symbols).values_list("symbol", flat=True))
        unknown = [symbol for symbol in symbols if symbol not in known]
        if unknown:
            raise UnreadableFile(
                f"{path}: unknown symbols {', '.join(unknown)}: leave out --known-only to create them."
            )
