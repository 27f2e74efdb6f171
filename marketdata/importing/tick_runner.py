"""The import of trades and quotes: file by file, one transaction each, with the report that bars have."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from marketdata.calendar import FIRST, LAST, NEW_YORK, is_trading_day, trading_day
from marketdata.columns import Ints
from marketdata.importing import quarantine
from marketdata.importing.dialects import Reading
from marketdata.importing.reading import groups
from marketdata.importing.runner import DryRunEnds, Report, refuse_bad_symbols
from marketdata.importing.splitting import Rejected
from marketdata.importing.tick_reading import TickTable, raw_tick, read_ticks
from marketdata.models import Scope
from marketdata.store import ensure_instruments
from marketdata.ticks.columns import TickColumns, empty, join
from marketdata.ticks.rules import broken_ticks
from marketdata.ticks.store import NewTicks, dataset_named, find_ticks, load_ticks, write_ticks

SECOND = 1_000_000_000
MIX = np.uint64(0x9E3779B97F4A7C15)
UNREADABLE = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True, eq=False)
class SymbolTicks:
    """One instrument's events of one session and scope, in time order, ties as in the file."""

    symbol: str
    date: dt.date
    scope: str
    rows: TickColumns


@dataclass(slots=True)
class TickSplit:
    days: list[SymbolTicks] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def import_tick_file(
    path: Path, reading: Reading, report: Report, kind: str, *, known_only: bool = False, dry_run: bool = False
) -> None:
    """One file in one transaction; a dry run does the same and takes it back. Raises MarketDataError."""
    table = read_ticks(path, reading, kind)
    parts = split_ticks(table)
    refuse_bad_symbols(path, {day.symbol for day in parts.days}, known_only)
    with suppress(DryRunEnds), transaction.atomic():
        _write(path, report, parts)
        if dry_run:
            raise DryRunEnds
    _count(report, len(table.line), parts)


def _count(report: Report, rows: int, parts: TickSplit) -> None:
    report.files += 1
    report.rows += rows
    report.rejected += len(parts.rejected)
    report.outside_session += sum(len(day.rows) for day in parts.days if day.scope == Scope.EXTENDED)
    report.symbols |= {day.symbol for day in parts.days}
    for date in (day.date for day in parts.days):
        report.first = min(date, report.first or date)
        report.last = max(date, report.last or date)


def split_ticks(table: TickTable) -> TickSplit:
    """The file's instrument days, regular and extended apart, and the rows that broke a rule."""
    result = TickSplit()
    at = table.rows.at
    unread = at == UNREADABLE
    _reject(table, np.flatnonzero(unread), "the time cannot be read", result)
    usable = np.flatnonzero(~unread)
    date = _session_dates(at[usable] // SECOND)
    symbol = table.symbol[usable].astype(str)
    order = np.lexsort((at[usable], date, symbol))  # stable: ties stay as the file has them
    rows, date = usable[order], date[order]
    for first, run in groups(symbol[order], date):
        _split_day(table, rows[run], dt.date.fromordinal(int(date[first])), result)
    return result


def _session_dates(seconds: Ints) -> Ints:
    """New York dates as ordinals; one zone look-up per UTC hour, not per row."""
    hours, which = np.unique(seconds // 3600, return_inverse=True)
    dates = [dt.datetime.fromtimestamp(int(hour) * 3600, NEW_YORK).date().toordinal() for hour in hours]
    return np.array(dates, np.int64)[which]


def _split_day(table: TickTable, rows: np.ndarray, date: dt.date, result: TickSplit) -> None:
    if not FIRST <= date <= LAST or not is_trading_day(date):
        _reject(table, rows, f"{date} is not a trading day of XNYS", result)
        return
    day = trading_day(date)
    ticks = table.rows.take(rows)
    ticks = replace(ticks, at=ticks.at - round(day.open.timestamp()) * SECOND)
    kept = np.ones(len(rows), dtype=bool)
    for row, reason in broken_ticks(ticks):
        kept[row] = False
        _reject(table, rows[row : row + 1], reason, result)
    inside = (ticks.at >= 0) & (ticks.at < day.minutes * 60 * SECOND)
    for scope, part in ((Scope.REGULAR, kept & inside), (Scope.EXTENDED, kept & ~inside)):
        if part.any():
            result.days.append(SymbolTicks(str(table.symbol[rows[0]]), date, scope, ticks.take(part)))


def _reject(table: TickTable, rows: np.ndarray, reason: str, result: TickSplit) -> None:
    for row in rows:
        place = int(table.line[row]), str(table.symbol[row]), reason, raw_tick(table, int(row))
        result.rejected.append(Rejected(*place))


def _write(path: Path, report: Report, parts: TickSplit) -> None:
    dataset = dataset_named(report.dataset)
    ids = ensure_instruments(day.symbol for day in parts.days)
    for day in parts.days:
        stored = _stored(dataset.pk, day)
        if day.scope == Scope.REGULAR:
            _count_against(day.rows, stored, report)
        new = NewTicks(ids[day.symbol], day.date, completed(stored, day.rows), day.scope, origin=path.name)
        report.days += write_ticks(dataset.pk, [new]).days_written
    quarantine.replace(dataset, path, parts.rejected)


def _stored(dataset_id: int, day: SymbolTicks) -> TickColumns:
    """What the store has of the day, recorded and derived events apart."""
    kind, derived = day.rows.kind, NewTicks(0, day.date, day.rows).derived
    found = find_ticks(dataset_id, kind, day.date, [day.symbol], scope=day.scope, derived=derived)
    return load_ticks(found[day.symbol]) if day.symbol in found else empty(kind)


def completed(stored: TickColumns, rows: TickColumns) -> TickColumns:
    """A file that has part of a stored day completes it; within its own span the file's events win."""
    first, last = int(rows.at[0]), int(rows.at[-1])
    before = stored.take(slice(0, int(np.searchsorted(stored.at, first, "left"))))
    after = stored.take(slice(int(np.searchsorted(stored.at, last, "right")), None))
    parts = [rows]
    if len(before):
        parts = [before, _only_in(stored, rows, first), *parts]
    if len(after):
        parts = [*parts, _only_in(stored, rows, last), after]
    return join(rows.kind, parts) if len(parts) > 1 else rows


def _only_in(stored: TickColumns, rows: TickColumns, at: int) -> TickColumns:
    """Events at the very stamp where two files meet that the new one does not have."""
    here, there = (part.take(slice(*np.searchsorted(part.at, [at, at + 1]))) for part in (stored, rows))
    left = Counter(_keys(there).tolist())
    kept = []
    for place, key in enumerate(_keys(here).tolist()):
        left[key] -= 1
        if left[key] < 0:
            kept.append(place)
    return here.take(np.array(kept, np.intp))


def _count_against(rows: TickColumns, stored: TickColumns, report: Report) -> None:
    """A file's events against those that the store has of the same span: the same, corrected, and new ones."""
    within = stored.take(slice(*np.searchsorted(stored.at, [rows.at[0], rows.at[-1] + 1])))
    mine, how_often = np.unique(_keys(rows), return_counts=True)
    theirs, how_often_there = np.unique(_keys(within), return_counts=True)
    _, here, there = np.intersect1d(mine, theirs, assume_unique=True, return_indices=True)
    same = int(np.minimum(how_often[here], how_often_there[there]).sum())
    revised = min(len(rows), len(within)) - same
    report.unchanged += same
    report.revised += revised
    report.inserted += len(rows) - same - revised


def _keys(rows: TickColumns) -> NDArray[np.uint64]:
    """A 64-bit digest of each row, whatever its file's dictionary: equal rows have equal ones."""
    words = np.array([int.from_bytes(sha256(word.encode()).digest()[:8], "big") for word in rows.words], np.uint64)
    values = np.where(np.isnan(rows.values), np.nan, rows.values).view(np.uint64)
    key = rows.flags.astype(np.uint64)
    for column in (rows.at.view(np.uint64), *values, *words[rows.codes]):
        key = (key ^ column) * MIX
        key ^= key >> np.uint64(29)
    return key
