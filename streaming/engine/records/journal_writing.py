"""Entries of the journal and what they pin, written in one trip, in order, and only by who holds the lease."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from django.db import connection

from streaming.engine.records.fence import LeaseLost
from streaming.engine.records.journal import Entry, Kind, Pins

# Statements in one trip are one transaction. The first locks as `fence` says; the second sees what is there then.
# The outer joins have a symbol without an instrument refused, not left out.
LOCK = "SELECT id FROM replay_session WHERE id = %(session)s FOR NO KEY UPDATE;"
APPEND = """
WITH entry AS (
  INSERT INTO replay_journalentry (session_id, number, clock, kind, payload)
  SELECT %(session)s, COALESCE(max(j.number) + 1, 0), %(clock)s::timestamptz, %(kind)s, %(payload)s::jsonb
    FROM replay_journalentry j WHERE j.session_id = %(session)s
  HAVING %(epoch)s::bigint IS NULL
      OR EXISTS (SELECT FROM replay_run WHERE session_id = %(session)s AND epoch = %(epoch)s)
  RETURNING number
), pinned AS (
  INSERT INTO replay_pin (session_id, date, kind, instrument_id, admission, day_id)
  SELECT %(session)s, %(date)s::date, p.kind, i.id, entry.number, p.day
    FROM entry, unnest(%(kinds)s::text[], %(symbols)s::text[], %(days)s::bigint[]) AS p(kind, symbol, day)
    LEFT JOIN marketdata_instrument i ON i.symbol = p.symbol
)
SELECT number FROM entry
"""
APPEND_LOADS = """
WITH entry AS (
  INSERT INTO replay_journalentry (session_id, number, kind, payload)
  SELECT %(session)s, l.place + (
           SELECT COALESCE(max(number), -1) FROM replay_journalentry WHERE session_id = %(session)s
         ), 'load', jsonb_build_object('date', l.date)
    FROM unnest(%(loads)s::date[]) WITH ORDINALITY AS l(date, place)
   WHERE %(epoch)s::bigint IS NULL
      OR EXISTS (SELECT FROM replay_run WHERE session_id = %(session)s AND epoch = %(epoch)s)
  RETURNING number
), pinned AS (
  INSERT INTO replay_pin (session_id, date, kind, instrument_id, admission, day_id)
  SELECT %(session)s, p.date, p.kind, i.id, 0, p.day
    FROM unnest(%(dates)s::date[], %(kinds)s::text[], %(symbols)s::text[], %(days)s::bigint[])
      AS p(date, kind, symbol, day)
    LEFT JOIN marketdata_instrument i ON i.symbol = p.symbol
   WHERE EXISTS (SELECT FROM entry)
  ON CONFLICT DO NOTHING
)
SELECT number FROM entry ORDER BY number
"""


def append(
    session_id: int,
    kind: str,
    payload: Mapping[str, Any],
    *,
    clock: dt.datetime | None = None,
    epoch: int | None = None,
    pins: Mapping[str, Pins] | None = None,
) -> Entry:
    """Write the next entry, in one trip; with `epoch`, only as the lease's holder (else LeaseLost).

    `pins`: kind → symbol → version, of the payload's date: what a correction admits.
    """
    rows = [(kind, symbol, version) for kind, part in (pins or {}).items() for symbol, version in part.items()]
    kinds, symbols, days = ([row[column] for row in rows] for column in range(3))
    given: dict[str, Any] = {"clock": clock, "kind": kind, "payload": json.dumps(payload), "date": payload.get("date")}
    numbers = _append(APPEND, session_id, epoch, given | {"kinds": kinds, "symbols": symbols, "days": days})
    return Entry(numbers[0], clock, kind, payload)


def append_loads(
    session_id: int, loads: Mapping[dt.date, Mapping[str, Pins]], *, epoch: int | None = None
) -> dict[dt.date, Entry]:
    """Likewise an entry for each date that is loaded, with kind → symbol → version. What is pinned already stays."""
    rows = [
        (date, kind, symbol, version)
        for date, pins in loads.items()
        for kind, part in pins.items()
        for symbol, version in part.items()
    ]
    dates, kinds, symbols, days = ([row[column] for row in rows] for column in range(4))
    given = {"loads": list(loads), "dates": dates, "kinds": kinds, "symbols": symbols, "days": days}
    numbers = _append(APPEND_LOADS, session_id, epoch, given)
    return {
        date: Entry(number, None, Kind.LOAD, {"date": date.isoformat()})
        for date, number in zip(loads, numbers, strict=True)
    }


def _append(statement: str, session_id: int, epoch: int | None, given: Mapping[str, Any]) -> list[int]:
    """The numbers of the entries that were written."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK + statement, {"session": session_id, "epoch": epoch, **given})
        cursor.nextset()
        numbers = [number for (number,) in cursor.fetchall()]
    if not numbers:
        raise LeaseLost(f"Session {session_id} is no longer at epoch {epoch}.")
    return numbers
