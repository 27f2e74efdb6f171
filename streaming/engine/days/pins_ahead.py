"""At full speed a day lasts no longer than a few trips to Postgres: the next days' versions are pinned in one.

Only what the store has in full, as it is now: a day of which something is still to come is pinned when it is loaded.
Only the versions: of the days themselves two are in memory.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Collection, Mapping, Sequence

from marketdata import store
from marketdata.kinds import DayKind, outside
from marketdata.models import Scope
from sessions.models import StreamType
from streaming.engine.days.recipe import Recipe
from streaming.engine.records import journal as journals
from streaming.engine.records import journal_writing
from streaming.engine.records.fence import fenced
from streaming.engine.records.journal import Entry, Journal, Pins

MOST_DAYS, MOST_PINS = 16, 512
"""At once: together they take some milliseconds."""


class PinsAhead:
    """The days of a session that this worker has pinned and not loaded. Threads that load days share it."""

    def __init__(self, recipe: Recipe, epoch: int) -> None:
        self.recipe, self.epoch = recipe, epoch
        self.lock = threading.Lock()
        self.pinned: dict[dt.date, tuple[Entry, Mapping[str, Pins]]] = {}
        self.looked_until = dt.date.min

    def take(self, date: dt.date, journal: Journal | None) -> Journal | None:
        """The journal with what a day was pinned to, once: what happens when it is played, the journal's rows say.

        `journal`: the session's at full speed. None where the day is to be pinned, or read, by itself.
        """
        with self.lock:
            symbols = journal.latest() if journal else frozenset()
            if journal and date not in self.pinned and date > self.looked_until:
                self._pin_from(date, sorted(symbols))
            entry, pins = self.pinned.pop(date, (None, {}))
        if journal is None or entry is None or not symbols <= pins[DayKind.BARS].keys():
            return None
        return journal.without_loads().loaded(entry, date, pins)

    def _pin_from(self, date: dt.date, symbols: Sequence[str]) -> None:
        dates = self._dates(date, len(symbols))
        if not dates:
            return
        self.looked_until = dates[-1]
        with fenced(self.recipe.session_id, self.epoch):
            loads = self._whole_days(dates, symbols)
            if loads:
                entries = journal_writing.append_loads(self.recipe.session_id, loads)
                self.pinned |= {date: (entries[date], pins) for date, pins in loads.items()}

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
