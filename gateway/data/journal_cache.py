"""Sessions' journals, kept between the polls of their bots: an entry is never changed, only added."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass

from sessions.models import JournalEntry
from streaming.engine.records import journal
from streaming.engine.records.journal import Journal

CACHE_SESSIONS = 256


@dataclass(frozen=True, slots=True)
class CachedJournal:
    """A journal up to an entry, with the pins of some dates."""

    number: int | None
    dates: frozenset[dt.date]
    journal: Journal


class JournalCache:
    """The most recently used of them; one per process."""

    def __init__(self, most: int = CACHE_SESSIONS) -> None:
        self.most, self.lock = most, threading.Lock()
        self.held: OrderedDict[int, CachedJournal] = OrderedDict()

    def read(self, session_id: int, dates: Collection[dt.date]) -> Journal:
        """All entries, with the pins of these dates and maybe others. A poll asks only whether there is a new entry."""
        numbers = JournalEntry.objects.filter(session_id=session_id).order_by("-number")
        number = numbers.values_list("number", flat=True).first()  # before the entries: one that comes meanwhile is new
        with self.lock:
            held = self.held.get(session_id)
        known = held.dates if held and held.number == number else frozenset[dt.date]()
        if held and held.number == number and known.issuperset(dates):
            return held.journal
        known = known.union(dates)
        held = CachedJournal(number, known, journal.read(session_id, pins_of=known))
        with self.lock:
            self.held[session_id] = held
            self.held.move_to_end(session_id)
            while len(self.held) > self.most:
                self.held.popitem(last=False)
        return held.journal


JOURNALS = JournalCache()
