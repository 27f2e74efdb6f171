"""An import taken back: the versions that it wrote go, and those that were current before are current again.

All of it or nothing: a day on which something came on top since, or that a session has pinned, stands in the way, and
is named. `where_possible` undoes the other days.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from marketdata.kinds import DayKind
from marketdata.models import Dataset, DayVersion, Import, ImportedDay, Scope
from marketdata.plurals import counted
from marketdata.removal.deleting import (
    BATCH,
    CannotRemove,
    Progress,
    remove_dataset_if_empty,
    remove_days,
    remove_instruments,
)
from marketdata.removal.needed import in_words, pinned
from marketdata.store import writing

SHOWN = 5
READ_AT_ONCE = 5_000
"""Rows."""
LATER = """
SELECT w.id, x.id, x.origin
  FROM marketdata_dayversion w JOIN marketdata_dayversion x
    ON (x.dataset_id, x.instrument_id, x.kind, x.interval, x.date, x.scope, x.derived)
     = (w.dataset_id, w.instrument_id, w.kind, w.interval, w.date, w.scope, w.derived) AND x.id > w.id
 WHERE w.id = ANY(%s)
"""
DERIVED = """
SELECT m.id FROM marketdata_dayversion m JOIN marketdata_dayversion w
    ON (m.dataset_id, m.instrument_id, m.kind, m.date) = (w.dataset_id, w.instrument_id, w.kind, w.date)
 WHERE w.id = ANY(%s) AND w.kind = 'bars' AND w.interval = '1m' AND w.scope = 'regular'
   AND m.derived AND m.interval <> '1m'
"""


@dataclass(slots=True)
class WrittenDay:
    """One day of an import: its versions in order, and the one that was current before the first."""

    name: str
    versions: list[int]
    before: int | None
    obstacle: str = ""


@dataclass(slots=True)
class Undone:
    """`restored`: days whose version before is current again; `removed`: days that are gone; `kept`: why days stay."""

    number: int
    dataset: str
    restored: int = 0
    removed: int = 0
    kept: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        counts = {"restored": self.restored, "removed": self.removed, "kept": self.kept}
        return {"import": self.number, "dataset": self.dataset, **counts}


def outcome(undone: Undone, would: bool = False) -> str:
    """1 day is as it was before, 2 days are removed."""
    parts = []
    for count, becomes in ((undone.restored, "as {} before"), (undone.removed, "removed")):
        if count:
            be = "would be" if would else "is" if count == 1 else "are"
            became = becomes.format("it was" if count == 1 else "they were")
            parts.append(f"{counted(count, 'day')} {be} {became}")
    return ", ".join(parts) or "no day of it is left in the store"


def find_import(number: int) -> Import:
    """Raises CannotRemove, naming the newest ones."""
    found = Import.objects.filter(pk=number).first()
    if found is None:
        newest = ", ".join(map(str, Import.objects.values_list("pk", flat=True)[:SHOWN])) or "there are none yet"
        raise CannotRemove(f"There is no import {number}: the newest are {newest}.")
    return found


def days_of(made: Import) -> int:
    """Of how many an undo would have to look at: a count, and no more."""
    return made.days.filter(day__isnull=False).count()


def undo_import(
    number: int, *, where_possible: bool = False, dry_run: bool = False, progress: Progress | None = None
) -> Undone:
    """Raises CannotRemove, saying what stands in the way."""
    made = find_import(number)
    if made.state == Import.State.UNDONE:
        raise CannotRemove(f"Import {number} is undone already, since {made.undone_at:%Y-%m-%d %H:%M} UTC.")
    if made.dataset is None:
        raise CannotRemove(f"Import {number} cannot be undone: its dataset {made.dataset_name} is no more.")
    with transaction.atomic(), writing(made.dataset_id or 0):
        undone, held = _what_would_go(made)
        if undone.kept and not where_possible:
            partly = bool(undone.restored or undone.removed)
            raise CannotRemove(_refusal(number, undone.kept), held, partly=partly)
        if not dry_run:
            remove_days(_in_batches(made, some_stay=bool(undone.kept)), progress)
            if not undone.kept:
                _note_undone(made, made.dataset)
    return undone


def _what_would_go(made: Import) -> tuple[Undone, set[int]]:
    """And the sessions that pinned days which stay."""
    undone, held = Undone(made.pk, made.dataset_name), set[int]()
    for days in _by_symbol(made):
        held |= _find_obstacles(days)
        undone.kept += [day.obstacle for day in days if day.obstacle]
        undone.restored += sum(not day.obstacle and day.before is not None for day in days)
        undone.removed += sum(not day.obstacle and day.before is None for day in days)
    return undone, held


def _in_batches(made: Import, *, some_stay: bool) -> Iterator[list[int]]:
    """The versions that go. Once those of a symbol are gone, what was current before is current again."""
    for days in _by_symbol(made):
        if some_stay:
            _find_obstacles(days)
        free = [day for day in days if not day.obstacle]
        versions = [version for day in free for version in day.versions]
        with connection.cursor() as cursor:
            cursor.execute(DERIVED, [versions])
            gone = [*versions, *(row for (row,) in cursor.fetchall())]
        yield from (gone[first : first + BATCH] for first in range(0, len(gone), BATCH))
        DayVersion.objects.filter(pk__in=[day.before for day in free if day.before is not None]).update(current=True)


def _refusal(number: int, kept: Sequence[str]) -> str:
    more = f"; and {len(kept) - SHOWN} more days" if len(kept) > SHOWN else ""
    return f"Import {number} cannot be undone: {'; '.join(kept[:SHOWN])}{more}."


def _by_symbol(made: Import) -> Iterator[list[WrittenDay]]:
    """The days of which versions of the import are in the store. Never all at once: there may be millions."""
    there = ImportedDay.objects.filter(of=made, day__dataset__isnull=False)  # others were deleted since
    key = ("symbol", *(f"day__{name}" for name in DayVersion.DAY))
    rows = there.order_by("day__instrument_id", "pk").values_list("day__instrument_id", "day_id", "before_id", *key)
    for _, of_one in groupby(rows.iterator(READ_AT_ONCE), key=itemgetter(0)):
        found: dict[tuple[Any, ...], WrittenDay] = {}
        for _, day, before, *place in of_one:
            written = found.setdefault(tuple(place), WrittenDay(_name(*place), [], before))
            written.versions.append(day)
        yield list(found.values())


def _name(symbol: str, _dataset: int, _instrument: int, kind: str, _: str, date: dt.date, scope: str, *__: Any) -> str:
    """AAPL 2025-07-02 is its minutes of the regular session; what else there is of the day says what it is."""
    more = [DayKind(kind).label] * (kind != DayKind.BARS) + ["extended hours"] * (scope == Scope.EXTENDED)
    return f"{symbol} {date}" + (f" ({', '.join(more)})" if more else "")


def _find_obstacles(days: Sequence[WrittenDay]) -> set[int]:
    """Each day's obstacle is noted on it; returns the sessions that pinned any."""
    own = {version: day for day in days for version in day.versions}
    held = pinned(list(own))
    for version, sessions in held.items():
        own[version].obstacle = f"{own[version].name} is pinned by {in_words(sessions)}"
    with connection.cursor() as cursor:
        cursor.execute(LATER, [[day.versions[0] for day in days]])
        later = [(own[mine], row, origin) for mine, row, origin in cursor.fetchall() if row not in own]
    imports = dict(ImportedDay.objects.filter(day__in=[row for _, row, _ in later]).values_list("day_id", "of_id"))
    for day, row, origin in later:
        what = f"import {imports[row]}" if row in imports else f"a version from {origin or 'elsewhere'}"
        day.obstacle = day.obstacle or f"{what} came on top of {day.name}"
    befores = {day.before for day in days if day.before is not None}
    there = set(DayVersion.objects.filter(pk__in=befores).values_list("pk", flat=True))
    for day in days:
        if day.before is not None and day.before not in there and not day.obstacle:
            limit = f"{settings.KEEP_VERSIONS_DAYS:g} days (KEEP_VERSIONS_DAYS)"
            day.obstacle = f"the version of {day.name} before it was deleted after {limit}"
    return {session for sessions in held.values() for session in sessions}


def _note_undone(made: Import, dataset: Dataset) -> None:
    made.quarantine.all().delete()
    made.state, made.undone_at = Import.State.UNDONE, Now()
    made.save(update_fields=["state", "undone_at"])
    undone = Import.objects.filter(dataset=dataset, state=Import.State.UNDONE)
    # Also what an import that was undone before this one had made, and this one still needed.
    remove_instruments({symbol for symbols in undone.values_list("new_symbols", flat=True) for symbol in symbols})
    if undone.filter(new_dataset=True).exists():
        remove_dataset_if_empty(dataset)
