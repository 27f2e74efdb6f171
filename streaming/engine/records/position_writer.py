"""Where the sessions of a worker stand, written to their runs together: one statement, however many are played.

A day that began is marked before any position that is in it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from django.db import DatabaseError, connection

from sessions.postgres_faults import refusal
from streaming.engine.records.day_marks import DayBegun, mark

EVERY = 0.1
"""Seconds between two statements."""
# A position is never taken back: what its session has written itself since then is newer.
# The answer: the sessions whose row somebody has locked. Those that are another holder's by now are not written.
WRITE = """
WITH given AS (
  SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::timestamptz[], %s::text[], %s::bigint[], %s::text[],
                       %s::text[], %s::bool[], %s::float8[], %s::float8[], %s::text[], %s::text[], %s::bigint[])
    AS v(id, epoch, generation, clock, frame_id, frame_count, chain,
         moving, measured, real_speed, clock_error, bottleneck, days_held, bars_held)
), newer AS (
  SELECT given.* FROM given JOIN replay_run r
      ON r.session_id = given.id AND r.epoch = given.epoch AND r.generation = given.generation
   WHERE r.frame_count < given.frame_count
), position AS (
  SELECT newer.* FROM newer JOIN replay_run r ON r.session_id = newer.id
   ORDER BY r.session_id FOR NO KEY UPDATE OF r SKIP LOCKED
), written AS (
  UPDATE replay_run r
     SET clock = v.clock, frame_id = v.frame_id, frame_count = v.frame_count, chain = v.chain,
         moving = v.moving::jsonb,
         days_held = COALESCE(v.days_held::date[], r.days_held), bars_held = COALESCE(v.bars_held, r.bars_held),
         real_speed = CASE WHEN v.measured THEN v.real_speed ELSE r.real_speed END,
         clock_error = CASE WHEN v.measured THEN v.clock_error ELSE r.clock_error END,
         bottleneck = CASE WHEN v.measured THEN v.bottleneck ELSE r.bottleneck END
    FROM position v
   WHERE r.session_id = v.id AND r.epoch = v.epoch AND r.generation = v.generation
     AND r.frame_count < v.frame_count
)
SELECT id FROM newer EXCEPT SELECT id FROM position
"""
POSITION = ("clock", "frame_id", "frame_count", "chain")


@dataclass(frozen=True, slots=True)
class Note:
    """Where one session stood; `measured` is what its pace reports, mostly nothing."""

    epoch: int
    generation: int
    position: Mapping[str, object]
    moving: Mapping[str, float]
    measured: Mapping[str, object]
    held: Mapping[str, Any] = field(default_factory=dict)
    """The days in memory; nothing where that is written already."""

    def row(self, session_id: int) -> tuple[object, ...]:
        measured, held = self.measured, self.held
        return (
            *(session_id, self.epoch, self.generation, *(self.position[name] for name in POSITION)),
            *(orjson.dumps(self.moving).decode(), bool(measured)),
            *(measured.get("real_speed"), measured.get("clock_error"), measured.get("bottleneck", "")),
            *(f"{{{','.join(map(str, held['days_held']))}}}" if held else None, held.get("bars_held")),
        )


class PositionWriter:
    """One per worker process. Sessions leave notes: the newest of each is written soon, and each day that began."""

    def __init__(self) -> None:
        self.lock, self.writing = threading.Lock(), threading.Lock()
        self.notes: dict[int, Note] = {}
        self.days: list[DayBegun] = []
        self.marking: list[DayBegun] = []
        """Those that are being written."""
        self.refusal = ""
        """Why Postgres, which answers, did not take them the last time."""

    def leave(self, session_id: int, note: Note) -> None:
        """The newest word of a session; what the one before it had measured is not lost."""
        with self.lock:
            before = self.notes.get(session_id)
            self.notes[session_id] = (
                note if note.measured or before is None else replace(note, measured=before.measured)
            )

    def begin_day(self, day: DayBegun) -> None:
        """Have it marked soon."""
        with self.lock:
            self.days.append(day)

    def write(self) -> None:
        """Everything noted since the last time. What cannot be written stays noted: the next may be long in coming."""
        with self.writing:
            with self.lock:
                notes, self.notes = self.notes, {}
                days, self.days, self.marking = self.days, [], self.days
            try:
                days = mark(days, wait=False)
                waiting = {day.session_id for day in days}
                waiting |= _write({pk: note for pk, note in notes.items() if pk not in waiting})
                notes = {pk: note for pk, note in notes.items() if pk in waiting}
                self.refusal = ""
            except DatabaseError as error:
                self.refusal = refusal(error)
                raise
            finally:
                self._put_back(notes, days)
                self.marking = []

    def mark_days(self, session_id: int) -> None:
        """Those of a session that began, now: it writes a position itself."""
        with self.lock:
            if all(day.session_id != session_id for day in (*self.days, *self.marking)):
                return
        with self.writing, self.lock:  # what is being written is written then
            days = [day for day in self.days if day.session_id == session_id]
            self.days = [day for day in self.days if day.session_id != session_id]
        try:
            days = mark(days, wait=True)
        finally:
            self._put_back({}, days)

    def _put_back(self, notes: dict[int, Note], days: list[DayBegun]) -> None:
        """What could not be written; newer notes win."""
        with self.lock:
            self.notes, self.days = notes | self.notes, days + self.days


def _write(notes: Mapping[int, Note]) -> set[int]:
    """Returns the sessions that are left to be written: somebody has their run's row locked."""
    if not notes:
        return set()
    columns = [list(column) for column in zip(*(note.row(pk) for pk, note in notes.items()), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(WRITE, columns)
        return {session_id for (session_id,) in cursor.fetchall()}
