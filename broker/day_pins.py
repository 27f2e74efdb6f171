"""Which versions of a day a session's orders meet: written down when an order first looks, and the same ever after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any, NamedTuple

from django.db import connection

from marketdata.kinds import DayKind, outside
from marketdata.models import Scope
from marketdata.store import StoredDay
from marketdata.store.find import interval_of
from sessions.models import Session

KINDS = [
    (str(kind), interval_of(kind), str(scope), outside(kind) if scope is Scope.EXTENDED else str(kind))
    for kind in DayKind
    for scope in (Scope.REGULAR, Scope.EXTENDED)
]
"""Kind, interval and scope of a stored day, and what it is pinned as."""
COLUMNS = dict(zip(("kinds", "intervals", "scopes", "names"), map(list, zip(*KINDS, strict=True)), strict=True))
# Of symbols that are not pinned yet: what the session plays, else the store's current version, recorded before derived.
PIN = """
INSERT INTO broker_matchingpin (session_id, date, instrument_id, kind, day_id, ledger)
SELECT %(session)s, %(date)s, i.id, k.name, v.id, COALESCE(v.ledger, '')
  FROM marketdata_instrument i
 CROSS JOIN unnest(%(kinds)s::text[], %(intervals)s::text[], %(scopes)s::text[], %(names)s::text[])
    AS k(kind, interval, scope, name)
  LEFT JOIN replay_pin p ON p.session_id = %(session)s AND p.date = %(date)s AND p.kind = k.name
                        AND p.instrument_id = i.id AND p.admission = 0
  LEFT JOIN LATERAL (
    SELECT d.id FROM marketdata_dayversion d
     WHERE d.dataset_id = %(dataset)s AND d.instrument_id = i.id AND d.date = %(date)s
       AND d.kind = k.kind AND d.interval = k.interval AND d.scope = k.scope AND d.current
     ORDER BY d.derived LIMIT 1
  ) newest ON true
  LEFT JOIN marketdata_dayversion v ON v.id = COALESCE(p.day_id, newest.id)
 WHERE i.symbol = ANY(%(symbols)s)
   AND NOT EXISTS (SELECT FROM broker_matchingpin held
                    WHERE held.session_id = %(session)s AND held.date = %(date)s AND held.instrument_id = i.id)
ON CONFLICT DO NOTHING;
"""
WRITTEN = """
SELECT p.kind, p.ledger, d.id, i.symbol, i.id, d.kind, d.version, d.row_count, d.derived, d.ledger, d.content_hash
  FROM broker_matchingpin p
  JOIN marketdata_instrument i ON i.id = p.instrument_id
  LEFT JOIN marketdata_dayversion d ON d.id = p.day_id
 WHERE p.session_id = %(session)s AND p.date = %(date)s AND i.symbol = ANY(%(symbols)s)
"""


class Pinned(NamedTuple):
    """A version, None where there was none; and its ledger as it was then."""

    day: StoredDay | None
    ledger: str


NOTHING = Pinned(None, "")
Pins = dict[str, Pinned]
"""By kind; of extended hours under names of their own."""


def pinned(session: Session, date: dt.date, symbols: Collection[str], *, first: bool = False) -> dict[str, Pins]:
    """Symbol → its pins of that date, written down now where they were not; nothing of one that nobody knows.

    `first`: for who is most likely the first to ask, which saves a trip.
    """
    asked: dict[str, Any] = COLUMNS | {"session": session.pk, "dataset": session.dataset_id, "date": date}
    found = {} if first else _read(WRITTEN, asked | {"symbols": list(symbols)})
    if missing := [symbol for symbol in symbols if symbol not in found]:
        found |= _read(PIN + WRITTEN, asked | {"symbols": missing})
    return found


def _read(statements: str, asked: dict[str, Any]) -> dict[str, Pins]:
    found: dict[str, Pins] = {}
    with connection.cursor() as cursor:
        cursor.execute(statements, asked)
        if statements != WRITTEN:
            cursor.nextset()
        for name, ledger, *day in cursor.fetchall():
            version, symbol = day[:2]
            found.setdefault(symbol, {})[name] = Pinned(StoredDay(*day) if version is not None else None, ledger)
    return found
