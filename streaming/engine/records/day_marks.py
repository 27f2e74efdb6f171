"""Day marks: where the hash chain stood before a day's first frame. Whoever re-derives the day starts from there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from django.db import connection

# A day that is resumed keeps its first mark. The answer: places in the list of the days that are left, as somebody has
# their session's row locked. Those of a session that has another holder by now are not marked, and not left either.
MARK = """
WITH given AS (
  SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::date[], %s::text[], %s::text[], %s::timestamptz[],
                       %s::text[], %s::text[])
    WITH ORDINALITY AS v(id, epoch, generation, date, chain, prev, clock, message, data, place)
), held AS (
  SELECT given.* FROM given JOIN replay_run r ON r.session_id = given.id AND r.epoch = given.epoch
), begun AS (
  SELECT held.* FROM held JOIN replay_session s ON s.id = held.id ORDER BY place FOR KEY SHARE OF s {locked}
), marked AS (
  INSERT INTO replay_daymark (session_id, generation, date, chain, prev)
  SELECT id, generation, date, chain, prev FROM begun
  ON CONFLICT DO NOTHING
), said AS (
  INSERT INTO replay_sessionevent (session_id, clock, kind, level, message, data)
  SELECT id, clock, 'day_open', 'info', message, data::jsonb FROM begun ORDER BY place
)
SELECT place FROM held EXCEPT SELECT place FROM begun
"""


@dataclass(frozen=True, slots=True)
class DayBegun:
    """A day's mark, and what its event says."""

    session_id: int
    epoch: int
    generation: int
    date: dt.date
    chain: str
    prev: str
    clock: dt.datetime | None
    message: str
    data: str


def mark(days: Sequence[DayBegun], *, wait: bool) -> list[DayBegun]:
    """Write the marks of those whose session is still held under their epoch, in one trip.

    Returns those that are left to be written, as somebody has their session's row locked; with `wait` none is.
    """
    if not days:
        return []
    columns = [list(column) for column in zip(*map(astuple, days), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(MARK.format(locked="" if wait else "SKIP LOCKED"), columns)
        return [days[place - 1] for (place,) in cursor.fetchall()]
