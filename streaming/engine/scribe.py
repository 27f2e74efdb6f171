"""Where the sessions of a worker stand, written to their rows together: one statement, however many are played."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

import orjson
from django.db import connection

EVERY = 0.1
"""Seconds between two statements."""
# A position is never taken back: what its session has written itself since then is newer.
# Rows are locked by number, as when leases are renewed: in two orders they would wait for each other.
WRITE = """
WITH told AS (
  SELECT v.* FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::timestamptz[], %s::text[], %s::bigint[], %s::text[],
                         %s::text[], %s::bool[], %s::float8[], %s::float8[], %s::text[])
    AS v(id, epoch, generation, clock, frame_id, frame_count, chain,
         moving, measured, real_speed, clock_error, bottleneck)
    JOIN replay_session s ON s.id = v.id AND s.epoch = v.epoch
   ORDER BY s.id FOR NO KEY UPDATE OF s
)
UPDATE replay_session s
   SET clock = v.clock, frame_id = v.frame_id, frame_count = v.frame_count, chain = v.chain, moving = v.moving::jsonb,
       real_speed = CASE WHEN v.measured THEN v.real_speed ELSE s.real_speed END,
       clock_error = CASE WHEN v.measured THEN v.clock_error ELSE s.clock_error END,
       bottleneck = CASE WHEN v.measured THEN v.bottleneck ELSE s.bottleneck END
  FROM told v
 WHERE s.id = v.id AND s.epoch = v.epoch AND s.generation = v.generation AND s.frame_count < v.frame_count
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

    def row(self, session_id: int) -> tuple[object, ...]:
        told = self.measured
        return (
            *(session_id, self.epoch, self.generation, *(self.position[name] for name in POSITION)),
            *(orjson.dumps(self.moving).decode(), bool(told)),
            *(told.get("real_speed"), told.get("clock_error"), told.get("bottleneck", "")),
        )


class Scribe:
    """One per worker process. Sessions leave notes; the newest of each is written soon."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.notes: dict[int, Note] = {}

    def leave(self, session_id: int, note: Note) -> None:
        """The newest word of a session; what the one before it had measured is not lost."""
        with self.lock:
            before = self.notes.get(session_id)
            self.notes[session_id] = (
                note if note.measured or before is None else replace(note, measured=before.measured)
            )

    def write(self) -> None:
        """Everything noted since the last time. Where Postgres does not answer, the notes stay."""
        with self.lock:
            notes, self.notes = self.notes, {}
        if not notes:
            return
        columns = [list(column) for column in zip(*(note.row(pk) for pk, note in notes.items()), strict=True)]
        try:
            with connection.cursor() as cursor:
                cursor.execute(WRITE, columns)
        except BaseException:
            with self.lock:
                self.notes = notes | self.notes
            raise
