"""What live sessions hold of their current day, read for all of them in a handful of queries."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import QuerySet

from marketdata.calendar import TradingDay
from marketdata.models import Dataset
from sessions.models import Announcement, JournalEntry, Session, State
from streaming.engine.records.journal import Entry, Journal, Kind, pinned_by

READ = (
    "id",
    "state",
    "speed",
    "as_known",
    "dataset_id",
    "end_date",
    "types",
    "hours",
    "exchange",
    "run__clock",
    "run__generation",
)
"""The columns of a session that are read; one with something to do reads the rest."""
VERSIONS = """
SELECT d.id, i.symbol, d.instrument_id, d.version, d.ledger,
       c.id, c.version, CASE WHEN c.id = d.id THEN d.ledger ELSE c.ledger END, c.known_at
  FROM marketdata_dayversion d
  JOIN marketdata_instrument i ON i.id = d.instrument_id
  JOIN marketdata_dayversion c
    ON (c.dataset_id, c.instrument_id, c.kind, c.interval, c.date, c.scope, c.derived)
     = (d.dataset_id, d.instrument_id, d.kind, d.interval, d.date, d.scope, d.derived) AND c.current
 WHERE d.id = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class HeldDay:
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
    """One session's current day. `announced`: kind and date → the stored days that were announced, if any."""

    session: Session
    day: TradingDay
    held: dict[str, HeldDay] = field(default_factory=dict)
    announced: defaultdict[tuple[str, dt.date], set[int | None]] = field(default_factory=lambda: defaultdict(set))

    @property
    def minutes(self) -> int:
        """Session minutes that are over at the session's clock."""
        assert self.session.run.clock is not None
        return minutes_over(self.day, self.session.run.clock)

    @property
    def day_is_over(self) -> bool:
        return self.minutes == self.day.minutes

    def has_announced(self, kind: str, date: dt.date) -> bool:
        return (kind, date) in self.announced


def minutes_over(day: TradingDay, clock: dt.datetime) -> int:
    """Session minutes that are over at the clock."""
    return min(day.minutes, max(0, int((clock - day.open).total_seconds() // 60)))


def holdings(sessions: QuerySet[Session]) -> list[Holding]:
    """The holding of every session that has a clock and has not failed."""
    rows = sessions.exclude(run__clock=None).exclude(state=State.FAILED).select_related("run").only(*READ)
    found = {
        row.pk: Holding(row, row.calendar.trading_day(row.calendar.session_date_of(row.run.clock)))
        for row in rows
        if row.run.clock
    }
    datasets = Dataset.objects.in_bulk({holding.session.dataset_id for holding in found.values()})
    for holding in found.values():
        holding.session.dataset = datasets[holding.session.dataset_id]
    pins = _pins(found)
    versions = _versions({pinned for ids in pins.values() for pinned in ids})
    for pk, ids in pins.items():
        found[pk].held = {versions[pinned].symbol: versions[pinned] for pinned in ids if pinned in versions}
    for pk, kind, date, version in _announced(found):
        found[pk].announced[kind, date].add(version)
    return list(found.values())


def _pins(found: Mapping[int, Holding]) -> dict[int, list[int]]:
    """Session → the rows that it plays of its current day."""
    pinned = pinned_by(list(found), [holding.day.date for holding in found.values()])
    entries: defaultdict[int, list[Entry]] = defaultdict(list)
    rows = JournalEntry.objects.filter(session__in=list(found), kind=Kind.ADMIT)
    for pk, *entry in rows.order_by("number").values_list("session_id", "number", "clock", "kind", "payload"):
        entries[pk].append(Entry(*entry))
    return {pk: _playing(holding, Journal(entries[pk], pinned.get(pk, {}))) for pk, holding in found.items()}


def _playing(holding: Holding, journal: Journal) -> list[int]:
    rows = journal.playing(holding.session, holding.day.date).values()
    return [row for row in rows if row is not None]


def _versions(ids: Iterable[int]) -> dict[int, HeldDay]:
    with connection.cursor() as cursor:
        cursor.execute(VERSIONS, [list(ids)])
        return {row[0]: HeldDay(*row) for row in cursor.fetchall()}


def _announced(found: Mapping[int, Holding]) -> Iterable[tuple[int, str, dt.date, int | None]]:
    rows = Announcement.objects.filter(session__in=list(found)).exclude(kind=Announcement.Kind.NEWER)
    return rows.values_list("session_id", "kind", "date", "version_id")
