"""At full speed a day lasts no longer than a few trips to Postgres: the next days' versions are pinned in one.

Only what the store has in full, as it is now: a day of which something is still to come is pinned when it is loaded.
Where a day is a few rows of the store, those days are read together as well; else two are in memory.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor, Future
from typing import NamedTuple

from marketdata import store
from marketdata.kinds import DayKind, outside
from marketdata.models import Scope
from marketdata.store import LoadedDay
from sessions.models import StreamType
from streaming.base.db import connected
from streaming.engine.days.recipe import Recipe
from streaming.engine.records import journal as journals
from streaming.engine.records import journal_writing
from streaming.engine.records.fence import fenced
from streaming.engine.records.journal import Entry, Journal, Pins

MOST_DAYS, MOST_PINS = 16, 512
"""At once: together they take some milliseconds."""
MOST_READ = 64
"""Symbols' days that are held as they were read: a megabyte or two."""
FEW_LEFT = 2
"""Days that are pinned when the next ones are begun with."""


class Ahead(NamedTuple):
    """A day that was pinned, and what was read of it."""

    entry: Entry
    pins: Mapping[str, Pins]
    rows: Sequence[LoadedDay]


class Taken(NamedTuple):
    """The journal with what a day was pinned to, and what was read of that day already."""

    journal: Journal
    rows: Sequence[LoadedDay]


class PinsAhead:
    """The days of a session that this worker has pinned and not loaded. Threads that load days share it."""

    def __init__(self, recipe: Recipe, epoch: int, threads: Executor) -> None:
        self.recipe, self.epoch, self.threads = recipe, epoch, threads
        self.lock = threading.Lock()
        self.pinned: dict[dt.date, Ahead] = {}
        self.looked_until = dt.date.min
        self.coming: Future[None] | None = None

    def take(self, date: dt.date, journal: Journal | None) -> Taken | None:
        """A day, once: what happens when it is played, the journal's rows say.

        `journal`: the session's at full speed. None where the day is to be pinned, or read, by itself.
        """
        symbols = journal.latest() if journal else frozenset()
        with self.lock:
            if journal and date not in self.pinned:
                self._finish()
                if date not in self.pinned and date > self.looked_until:
                    self._pin(self._dates(date, len(symbols)), symbols)
            day = self.pinned.pop(date, None)
            if journal:
                self._begin(max(date, self.looked_until), symbols)
        if journal is None or day is None or not symbols <= day.pins[DayKind.BARS].keys():
            return None
        return Taken(journal.without_loads().loaded(day.entry, date, day.pins), day.rows)

    def begin(self, after: dt.date, journal: Journal) -> None:
        """Have the days after that one pinned while those before them are played: at full speed they come soon."""
        with self.lock:
            self._begin(max(after, self.looked_until), journal.latest())

    def _begin(self, after: dt.date, symbols: Collection[str]) -> None:
        if len(self.pinned) > FEW_LEFT or (self.coming is not None and not self.coming.done()):
            return
        later = next((day.date for day in self.recipe.window if day.date > after), None)
        if later is not None and (dates := self._dates(later, len(symbols))):
            self.coming = self.threads.submit(connected()(self._pin), dates, symbols)

    def _finish(self) -> None:
        """What was begun is done, or will not be: the threads may all be waiting for theirs."""
        coming, self.coming = self.coming, None
        if coming is not None and not coming.cancel():
            coming.result()

    def _pin(self, dates: Sequence[dt.date], symbols: Collection[str]) -> None:
        if not dates:
            return
        with fenced(self.recipe.session_id, self.epoch):
            loads = self._whole_days(dates, sorted(symbols))
            entries = journal_writing.append_loads(self.recipe.session_id, loads) if loads else {}
        read = self._read(loads)
        # In one step, for another thread may take a day just now.
        self.pinned.update({date: Ahead(entries[date], pins, read.get(date, ())) for date, pins in loads.items()})
        self.looked_until = dates[-1]

    def _read(self, loads: Mapping[dt.date, Mapping[str, Pins]]) -> dict[dt.date, list[LoadedDay]]:
        """What the days are made of, where that is little."""
        dates = {row: date for date, pins in loads.items() for kind in pins.values() for row in kind.values() if row}
        read: dict[dt.date, list[LoadedDay]] = {}
        if 0 < len(dates) <= MOST_READ:
            for day in store.load_rows(list(dates)):
                read.setdefault(dates[day.id], []).append(day)
        return read

    def _dates(self, date: dt.date, symbols: int) -> list[dt.date]:
        """Days of the window from there on; none where the session pins more than the newest minutes."""
        recipe = self.recipe
        if recipe.types != (StreamType.BARS,) or recipe.as_known or not symbols:
            return []
        most = min(MOST_DAYS, MOST_PINS // (symbols * (1 + recipe.extended)))
        dates = [day.date for day in recipe.window if day.date >= date][:most]
        return dates if len(dates) > 1 else []

    def _whole_days(self, dates: Sequence[dt.date], symbols: Collection[str]) -> dict[dt.date, dict[str, Pins]]:
        """Those of which the store has every symbol and the session nothing pinned."""
        recipe = self.recipe
        rows = store.current_rows_on(recipe.dataset.pk, dates, symbols)
        around = store.current_rows_on(recipe.dataset.pk, dates, symbols, Scope.EXTENDED) if recipe.extended else {}
        already = journals.pinned_dates(recipe.session_id, dates)
        loads: dict[dt.date, dict[str, Pins]] = {}
        for date in dates:
            if date not in already and len(rows.get(date, ())) == len(symbols):
                loads[date] = {DayKind.BARS: rows[date]}
                if recipe.extended:
                    loads[date][outside(DayKind.BARS)] = around.get(date, {})
        return loads
