"""The journal: what a session's output is a function of. Rows are written before the first frame they affect."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import transaction
from django.db.models import Q

from marketdata.ticks.columns import TickKind
from sessions.models import JournalEntry, Session

Kind = JournalEntry.Kind
NEVER = 1 << 31
"""A generation later than any."""
BEGINNING = dt.datetime.min.replace(tzinfo=dt.UTC)


class LeaseLost(Exception):
    """This worker no longer holds the session: somebody else does, or it may not be sure."""


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

    def pins(self, date: dt.date) -> dict[str, int | None]:
        """Symbol → the pinned BarDay of that date; None where the symbol had no data. The first pin holds."""
        found: dict[str, int | None] = {}
        for entry in self.entries:
            if entry.kind == Kind.LOAD and entry.payload["date"] == date.isoformat():
                found = {**entry.payload["days"], **found}
        return found

    def admitted(self, date: dt.date, generation: int) -> list[tuple[dt.datetime | None, Mapping[str, int]]]:
        """Corrections of that date: (clock, symbol → BarDay), in effect for this generation's frames later than it.

        None: from the day's first frame on. A generation plays what an earlier one admitted from its beginning,
        unless the market itself says when it was known.
        """
        found: list[tuple[dt.datetime | None, Mapping[str, int]]] = []
        for entry in self.entries:
            if entry.kind != Kind.ADMIT or entry.payload["date"] != date.isoformat() or entry.generation > generation:
                continue
            earlier = entry.generation < generation and not entry.payload.get("known")
            found.append((None if earlier else entry.clock, entry.payload["days"]))
        return sorted(found, key=lambda part: part[0] or BEGINNING)

    def in_effect(self, date: dt.date, generation: int, clock: dt.datetime) -> dict[str, int | None]:
        """Symbol → the BarDay that a frame at `clock` of this generation is made from; None: it had no data."""
        found = self.pins(date)
        for since, days in self.admitted(date, generation):
            if since is None or since < clock:
                found |= days
        return found

    def playing(self, session: Session, date: dt.date) -> dict[str, int | None]:
        """`in_effect` at the session's visible clock."""
        return self.in_effect(date, session.generation, session.clock or BEGINNING)

    def tick_pins(self, date: dt.date, kind: str) -> dict[str, int | None]:
        """Symbol → the pinned TickDay of that date and kind, likewise."""
        found: dict[str, int | None] = {}
        for entry in self.entries:
            if entry.kind == Kind.LOAD and entry.payload["date"] == date.isoformat():
                found = {**entry.payload.get(kind, {}), **found}
        return found

    def with_data(self, date: dt.date) -> frozenset[str]:
        """Symbols that have something pinned on that date, of whatever type."""
        pins = [self.pins(date), *(self.tick_pins(date, kind) for kind in TickKind)]
        return frozenset(symbol for part in pins for symbol, pinned in part.items() if pinned is not None)

    def joined(self, other: Journal) -> Journal:
        """What either reading has, but only the other's loads: it was read for another day, maybe some time ago."""
        kept = {entry.number: entry for entry in self.entries if entry.kind != Kind.LOAD}
        kept |= {entry.number: entry for entry in other.entries}
        return Journal([kept[number] for number in sorted(kept)])

    def begins(self, generation: int) -> dt.datetime | None:
        """The clock that a generation was moved to; None for one that starts at the window's open."""
        for entry in self.entries:
            if entry.kind in (Kind.SEEK, Kind.START) and entry.generation == generation:
                return dt.datetime.fromisoformat(entry.payload["to"]) if entry.payload.get("to") else None
        return None


def read(session_id: int, date: dt.date | None = None) -> Journal:
    """The whole journal, or with `date` all but other days' loads."""
    rows = JournalEntry.objects.filter(session_id=session_id).order_by("number")
    if date is not None:
        rows = rows.filter(~Q(kind=Kind.LOAD) | Q(payload__date=date.isoformat()))
    return Journal([Entry(*row) for row in rows.values_list("number", "clock", "kind", "payload")])


def append(
    session_id: int,
    kind: str,
    payload: Mapping[str, Any],
    *,
    clock: dt.datetime | None = None,
    epoch: int | None = None,
) -> None:
    """Write the next entry; with `epoch`, only as the lease's holder (else LeaseLost)."""
    with transaction.atomic():
        row = Session.objects.select_for_update().only("epoch").get(pk=session_id)
        if epoch is not None and row.epoch != epoch:
            raise LeaseLost(f"Session {session_id} is at epoch {row.epoch}, not {epoch}.")
        last = JournalEntry.objects.filter(session_id=session_id).order_by("-number").first()
        number = last.number + 1 if last else 0
        JournalEntry.objects.create(session_id=session_id, number=number, clock=clock, kind=kind, payload=dict(payload))
