"""The journal: what a session's output is a function of. Rows are written before the first frame they affect."""

from __future__ import annotations

import datetime as dt
import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.db import connection

from marketdata.kinds import DayKind, outside
from sessions.models import JournalEntry, Session

Kind = JournalEntry.Kind
NEVER = 1 << 31
"""A generation later than any."""
PinKey = tuple[dt.date, str, int]
"""Date, kind, and the number of the entry that admitted a correction; 0 for first pins."""
Pins = Mapping[str, int | None]
"""Symbol → version."""
PINNED = """
SELECT p.session_id, p.date, p.kind, p.admission, json_object_agg(i.symbol, p.day_id ORDER BY i.symbol)::text
  FROM replay_pin p JOIN marketdata_instrument i ON i.id = p.instrument_id
 WHERE p.session_id = ANY(%s) AND (%s::date[] IS NULL OR p.date = ANY(%s::date[]))
 GROUP BY p.session_id, p.date, p.kind, p.admission
"""
PINNED_DATES = "SELECT DISTINCT date FROM replay_pin WHERE session_id = %s AND date = ANY(%s)"
ENTRIES = """
SELECT number, clock, kind, payload::text FROM replay_journalentry
 WHERE session_id = %s AND (%s::text IS NULL OR kind <> 'load' OR payload->>'date' = %s)
 ORDER BY number;
"""
BEGINNING = dt.datetime.min.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    number: int
    clock: dt.datetime | None
    kind: str
    payload: Mapping[str, Any]

    @property
    def generation(self) -> int:
        return int(self.payload.get("generation", 1))


@dataclass(frozen=True)
class Journal:
    """A session's entries so far, in order, and the questions that the engine asks of them."""

    entries: Sequence[Entry]
    pinned: Mapping[PinKey, Pins] = field(default_factory=dict)

    @cached_property
    def changes(self) -> list[Entry]:
        """What adds or removes symbols."""
        return [entry for entry in self.entries if entry.kind in (Kind.START, Kind.ADD, Kind.REMOVE)]

    def active(self, generation: int, before: dt.datetime) -> frozenset[str]:
        """Symbols whose bars a frame at `before` of this generation holds; the same object until that changes."""
        key = generation, bisect_left(self._moments(generation), before)
        if key not in self._known_active:
            self._known_active[key] = self._active(generation, before)
        return self._known_active[key]

    def unchanged_until(self, generation: int, moment: dt.datetime) -> dt.datetime | None:
        """The last instant whose frame has the same active symbols as one at `moment`; None: they stay."""
        moments = self._moments(generation)
        place = bisect_left(moments, moment)
        return moments[place] if place < len(moments) else None

    @cached_property
    def _known_active(self) -> dict[tuple[int, int], frozenset[str]]:
        """(generation, changes of it that are in effect) → active symbols: asked for once a frame."""
        return {}

    @cached_property
    def _known_moments(self) -> dict[int, list[dt.datetime]]:
        return {}

    def _moments(self, generation: int) -> list[dt.datetime]:
        """When a generation's symbols change, in order."""
        if generation not in self._known_moments:
            clocks = (entry.clock for entry in self.changes if entry.generation == generation)
            self._known_moments[generation] = sorted(clock for clock in clocks if clock)
        return self._known_moments[generation]

    def _active(self, generation: int, before: dt.datetime) -> frozenset[str]:
        symbols: set[str] = set()
        for entry in self.changes:
            same = entry.generation == generation
            if entry.generation > generation or (same and entry.clock and entry.clock >= before):
                continue
            if entry.kind == Kind.REMOVE:
                symbols -= set(entry.payload["symbols"])
            else:
                symbols |= set(entry.payload["symbols"])
        return frozenset(symbols)

    def latest(self) -> frozenset[str]:
        """Symbols as of the newest entry."""
        return self.active(NEVER, dt.datetime.max.replace(tzinfo=dt.UTC))

    def known(self) -> frozenset[str]:
        """Every symbol that was ever part of the session."""
        parts = (e.payload["symbols"] for e in self.entries if e.kind in (Kind.START, Kind.ADD))
        return frozenset(symbol for part in parts for symbol in part)

    def pins(self, date: dt.date, kind: str = DayKind.BARS) -> dict[str, int | None]:
        """Symbol → the version of that date first pinned; None where the symbol had no data."""
        return dict(self.pinned.get((date, kind, 0), {}))

    def admitted(self, date: dt.date, generation: int) -> list[tuple[dt.datetime | None, Mapping[str, int]]]:
        """Corrections of that date: (clock, symbol → version), in effect for this generation's frames later than it.

        None: from the day's first frame on. A generation plays what an earlier one admitted from its beginning,
        unless the market itself says when it was known.
        """
        found: list[tuple[dt.datetime | None, Mapping[str, int]]] = []
        for entry in self.entries:
            if entry.kind != Kind.ADMIT or entry.payload["date"] != date.isoformat() or entry.generation > generation:
                continue
            earlier = entry.generation < generation and not entry.payload.get("known")
            days = self.pinned.get((date, DayKind.BARS, entry.number), {})
            found.append((None if earlier else entry.clock, {s: row for s, row in days.items() if row is not None}))
        return sorted(found, key=lambda part: part[0] or BEGINNING)

    def in_effect(self, date: dt.date, generation: int, clock: dt.datetime) -> dict[str, int | None]:
        """Symbol → the day version that a frame at `clock` of this generation is made from; None: it had no data."""
        found = self.pins(date)
        for since, days in self.admitted(date, generation):
            if since is None or since < clock:
                found |= days
        return found

    def playing(self, session: Session, date: dt.date) -> dict[str, int | None]:
        """`in_effect` at the session's clock."""
        return self.in_effect(date, session.run.generation, session.run.clock or BEGINNING)

    def with_data(self, date: dt.date) -> frozenset[str]:
        """Symbols that have something pinned on that date, of whatever type."""
        pins = (self.pins(date, name) for kind in DayKind for name in (kind, outside(kind)))
        return frozenset(symbol for part in pins for symbol, pinned in part.items() if pinned is not None)

    def versions(self, date: dt.date) -> set[int]:
        """All that were ever pinned of that date, corrections among them."""
        parts = (pins for (day, _, _), pins in self.pinned.items() if day == date)
        return {row for part in parts for row in part.values() if row is not None}

    def without_loads(self) -> Journal:
        """What the session did, and the corrections that it admitted."""
        admitted = {key: pins for key, pins in self.pinned.items() if key[2]}
        return Journal([entry for entry in self.entries if entry.kind != Kind.LOAD], admitted)

    def joined(self, other: Journal) -> Journal:
        """What either reading has, but only the other's loads: it was read for another day, maybe some time ago."""
        own = self.without_loads()
        kept = {entry.number: entry for entry in (*own.entries, *other.entries)}
        return Journal([kept[number] for number in sorted(kept)], {**own.pinned, **other.pinned})

    def loaded(self, entry: Entry, date: dt.date, pins: Mapping[str, Pins]) -> Journal:
        """With the entry of a load and what it pinned, but for what was pinned before."""
        first = {(date, kind, 0): {**new, **self.pinned.get((date, kind, 0), {})} for kind, new in pins.items()}
        return Journal([*self.entries, entry], {**self.pinned, **first})

    def begins(self, generation: int) -> dt.datetime | None:
        """The clock that a generation was moved to; None for one that starts at the window's open."""
        for entry in self.entries:
            if entry.kind in (Kind.SEEK, Kind.START) and entry.generation == generation:
                return dt.datetime.fromisoformat(entry.payload["to"]) if entry.payload.get("to") else None
        return None


def read(session_id: int, date: dt.date | None = None, *, pins_of: Iterable[dt.date] | None = None) -> Journal:
    """All of the journal and its pins, or with `date` all but other days' loads and pins.

    `pins_of`: the dates whose pins are read; a session of many days and symbols has thousands.
    """
    dates = [date] if date is not None else None if pins_of is None else list(pins_of)
    only = date and date.isoformat()
    with connection.cursor() as cursor:
        cursor.execute(ENTRIES + PINNED, [session_id, only, only, [session_id], dates, dates])
        rows = cursor.fetchall()
        cursor.nextset()
        pinned = _by_session(cursor.fetchall()).get(session_id, {})
    return Journal([Entry(number, clock, kind, json.loads(text)) for number, clock, kind, text in rows], pinned)


def pinned_dates(session_id: int, dates: Sequence[dt.date]) -> set[dt.date]:
    """Those of the dates of which the session has pinned anything."""
    with connection.cursor() as cursor:
        cursor.execute(PINNED_DATES, [session_id, list(dates)])
        return {date for (date,) in cursor.fetchall()}


def pinned_by(session_ids: Sequence[int], dates: list[dt.date] | None = None) -> dict[int, dict[PinKey, Pins]]:
    """Session → what it has pinned, of all dates or of these; in one question."""
    with connection.cursor() as cursor:
        cursor.execute(PINNED, [list(session_ids), dates, dates])
        return _by_session(cursor.fetchall())


def _by_session(rows: Iterable[tuple[int, dt.date, str, int, str]]) -> dict[int, dict[PinKey, Pins]]:
    found: dict[int, dict[PinKey, Pins]] = {}
    for session_id, date, kind, admission, pins in rows:
        found.setdefault(session_id, {})[date, kind, admission] = json.loads(pins)
    return found
