"""Days of trades and quotes into the store: a file completes what is there, and its own events win in its own span."""

from __future__ import annotations

from collections import Counter

import numpy as np

from marketdata.columns import TickColumns, join_ticks, no_ticks
from marketdata.importing.days.digests import digests
from marketdata.importing.days.read_file import ReadFile
from marketdata.importing.days.splitting import SymbolDay
from marketdata.importing.writing.report import Change, Tally
from marketdata.kinds import DayKind
from marketdata.models import Scope
from marketdata.store import NewDay, find_days, load_ticks, write_days


def write_ticks(dataset_id: int, ids: dict[str, int], file: ReadFile) -> list[Change]:
    """One file's days, in the caller's transaction. Returns what became of each."""
    changes = []
    for day in file.parts.days:
        stored = _stored(dataset_id, day)
        new = NewDay(ids[day.symbol], day.date, completed(stored, day.ticks), day.scope, origin=file.path.name)
        row, before = write_days(dataset_id, [new]).versions.get(new.key, (None, None))
        tally = _compared(day.ticks, stored) if day.scope == Scope.REGULAR else Tally(outside=len(day.ticks))
        changes.append(Change(day.symbol, day.date, file.kind, day.scope, row, before, tally))
    return changes


def _stored(dataset_id: int, day: SymbolDay) -> TickColumns:
    """What the store has of the day, recorded and derived events apart."""
    rows = day.ticks
    found = find_days(dataset_id, rows.kind, day.date, [day.symbol], scope=day.scope, derived=rows.derived)
    return load_ticks(found[day.symbol]) if day.symbol in found else no_ticks(DayKind(rows.kind))


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
    return join_ticks(rows.kind, parts) if len(parts) > 1 else rows


def _only_in(stored: TickColumns, rows: TickColumns, at: int) -> TickColumns:
    """Events at the very stamp where two files meet that the new one does not have."""
    here, there = (part.take(slice(*np.searchsorted(part.at, [at, at + 1]))) for part in (stored, rows))
    left = Counter(digests(there).tolist())
    kept = []
    for place, key in enumerate(digests(here).tolist()):
        left[key] -= 1
        if left[key] < 0:
            kept.append(place)
    return here.take(np.array(kept, np.intp))


def _compared(rows: TickColumns, stored: TickColumns) -> Tally:
    """A file's events against those that the store has of the same span: the same, corrected, and new ones."""
    within = stored.take(slice(*np.searchsorted(stored.at, [rows.at[0], rows.at[-1] + 1])))
    mine, how_often = np.unique(digests(rows), return_counts=True)
    theirs, how_often_there = np.unique(digests(within), return_counts=True)
    _, here, there = np.intersect1d(mine, theirs, assume_unique=True, return_indices=True)
    same = int(np.minimum(how_often[here], how_often_there[there]).sum())
    revised = min(len(rows), len(within)) - same
    return Tally(len(rows) - same - revised, same, revised)
