"""What live sessions hold of their current day, read for all of them in a handful of queries."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import QuerySet

from marketdata import calendar
from marketdata.calendar import TradingDay
from marketdata.models import Dataset
from sessions.models import JournalEntry, Session, SessionEvent, State
from streaming.engine.journal import Entry, Journal, Kind

READ = ("id", "state", "clock", "generation", "speed", "as_known", "dataset_id", "end_date", "types")
"""Of a session; one with something to do reads the rest."""
TOLD = ("gaps", "prefetch", "day_ready")
"""Events that upkeep writes once a session and date."""
VERSIONS = """
SELECT d.id, i.symbol, d.instrument_id, d.version, d.ledger,
       c.id, c.version, CASE WHEN c.id = d.id THEN d.ledger ELSE c.ledger END, c.known_at
  FROM marketdata_barday d
  JOIN marketdata_instrument i ON i.id = d.instrument_id
  JOIN marketdata_barday c
    ON (c.dataset_id, c.instrument_id, c.interval, c.date, c.scope)
     = (d.dataset_id, d.instrument_id, d.interval, d.date, d.scope) AND c.current
 WHERE d.id = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Held:
    """The version of a symbol's day that a session plays, and the store's newest."""

    id: int
    symbol: str
    instrument_id: int
    version: int
    ledger: str
    newest_id: int
    newest_version: int
    newest_ledger: str
    newest_known_at: dt.datetime | None


@dataclass(slots=True)
class Holding:
    """One session's current day. `told`: event kind → the data of such events of that session."""

    session: Session
    day: TradingDay
    held: dict[str, Held] = field(default_factory=dict)
    told: dict[str, list[Mapping[str, object]]] = field(default_factory=lambda: defaultdict(list))

    @property
    def minutes(self) -> int:
        """Session minutes that are over at the visible clock."""
        assert self.session.clock is not None
        return visible_minutes(self.day, self.session.clock)

    @property
    def day_is_over(self) -> bool:
        return self.minutes == self.day.minutes

    def has_told(self, kind: str, date: dt.date) -> bool:
        return any(data.get("date") == date.isoformat() for data in self.told[kind])


def visible_minutes(day: TradingDay, clock: dt.datetime) -> int:
    """Session minutes that are over at the clock."""
    return min(day.minutes, max(0, int((clock - day.open).total_seconds() // 60)))


def holdings(sessions: QuerySet[Session]) -> list[Holding]:
    """Of every session that has a visible clock and has not failed."""
    rows = sessions.exclude(clock=None).exclude(state=State.FAILED).only(*READ)
    found = {
        row.pk: Holding(row, calendar.trading_day(calendar.session_date_of(row.clock))) for row in rows if row.clock
    }
    datasets = Dataset.objects.in_bulk({holding.session.dataset_id for holding in found.values()})
    for holding in found.values():
        holding.session.dataset = datasets[holding.session.dataset_id]
    pins = _pins(found)
    versions = _versions({pinned for ids in pins.values() for pinned in ids})
    for pk, ids in pins.items():
        found[pk].held = {versions[pinned].symbol: versions[pinned] for pinned in ids if pinned in versions}
    for pk, kind, data in _told(found):
        found[pk].told[kind].append(data)
    return list(found.values())


def _pins(found: Mapping[int, Holding]) -> dict[int, list[int]]:
    """Session → the rows that it plays of its current day."""
    entries: defaultdict[int, list[Entry]] = defaultdict(list)
    dates = {holding.day.date.isoformat() for holding in found.values()}
    rows = JournalEntry.objects.filter(
        session__in=list(found), kind__in=(Kind.LOAD, Kind.ADMIT), payload__date__in=dates
    )
    for pk, *entry in rows.order_by("number").values_list("session_id", "number", "clock", "kind", "payload"):
        entries[pk].append(Entry(*entry))
    return {pk: _playing(found[pk], entries[pk]) for pk in found}


def _playing(holding: Holding, entries: Sequence[Entry]) -> list[int]:
    rows = Journal(entries).playing(holding.session, holding.day.date).values()
    return [row for row in rows if row is not None]


def _versions(ids: Iterable[int]) -> dict[int, Held]:
    with connection.cursor() as cursor:
        cursor.execute(VERSIONS, [list(ids)])
        return {row[0]: Held(*row) for row in cursor.fetchall()}


def _told(found: Mapping[int, Holding]) -> Iterable[tuple[int, str, Mapping[str, object]]]:
    rows = SessionEvent.objects.filter(session__in=list(found), kind__in=TOLD)
    return rows.order_by("id").values_list("session_id", "kind", "data")
