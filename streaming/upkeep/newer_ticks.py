"""Trades and quotes newer than what live sessions have pinned, also where that is none: announced, never admitted."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from marketdata.kinds import TICK_KINDS, DayKind
from marketdata.locks import Locks, alone
from sessions.announcing import announce
from sessions.models import Announcement
from streaming.upkeep.holding import Holding
from streaming.upkeep.problems import Problems

NAMED = 6
# The first pin of a symbol holds, kind by kind; null where the day had none then. What a new session would pin is the
# current version of the regular session, recorded before derived.
NEWER = """
SELECT p.session_id, p.date, p.kind, i.symbol, d.version, d.derived, c.version, c.derived
  FROM unnest(%s::bigint[], %s::date[]) AS day(session_id, date)
  JOIN replay_pin p ON (p.session_id, p.date) = (day.session_id, day.date) AND p.admission = 0
   AND p.kind IN ('ticks', 'quotes')
  JOIN replay_session s ON s.id = p.session_id
  JOIN marketdata_instrument i ON i.id = p.instrument_id
  LEFT JOIN marketdata_dayversion d ON d.id = p.day_id
 CROSS JOIN LATERAL (
       SELECT n.id, n.version, n.derived FROM marketdata_dayversion n
        WHERE (n.dataset_id, n.instrument_id, n.kind, n.date, n.scope)
            = (s.dataset_id, p.instrument_id, p.kind, p.date, 'regular') AND n.current
        ORDER BY n.derived LIMIT 1) c
 WHERE c.id IS DISTINCT FROM p.day_id
   AND NOT EXISTS (
       SELECT FROM replay_announcement a
        WHERE (a.session_id, a.kind, a.date) = (p.session_id, 'newer', p.date)
          AND a.subject = p.kind || ' ' || i.symbol)
 ORDER BY p.session_id, p.kind DESC, i.symbol
"""


@dataclass(frozen=True, slots=True)
class Newer:
    """A symbol's day of one kind, of which the store has another version than the session plays, or plays none."""

    session_id: int
    date: dt.date
    kind: str
    symbol: str
    played: int | None
    played_derived: bool | None
    newest: int
    newest_derived: bool

    @property
    def versions(self) -> tuple[str, str]:
        """In words: the store's, the session's."""
        newest = _version(self.newest, self.newest_derived)
        return newest, "none" if self.played is None else _version(self.played, bool(self.played_derived))


def announce_newer(found: Iterable[Holding], problems: Problems) -> Counter[str]:
    """Once for each session's day of trades or quotes; one question for all sessions, none where none plays any."""
    holdings = {h.session.pk: h for h in found if h.session.is_live and set(h.session.types) & set(TICK_KINDS)}
    reported: Counter[str] = Counter()
    for pk in sorted({row.session_id for row in _newer(holdings)}):
        with problems.of(holdings[pk].session), alone(Locks.ANNOUNCING, pk) as mine:
            # Asked again under the lock: another run may have announced it meanwhile.
            for rows in _alike(_newer({pk: holdings[pk]}) if mine else ()):
                _record(holdings[pk], rows)
                reported["newer"] += 1
    return reported


def _newer(holdings: Mapping[int, Holding]) -> list[Newer]:
    if not holdings:
        return []
    dates = [holding.day.date for holding in holdings.values()]
    with connection.cursor() as cursor:
        cursor.execute(NEWER, [list(holdings), dates])
        return [Newer(*row) for row in cursor.fetchall()]


def _alike(rows: Iterable[Newer]) -> list[list[Newer]]:
    """By kind and versions: an import of many symbols is one event."""
    groups: defaultdict[tuple[str, tuple[str, str]], list[Newer]] = defaultdict(list)
    for row in rows:
        groups[row.kind, row.versions].append(row)
    return list(groups.values())


def _record(holding: Holding, rows: Sequence[Newer]) -> None:
    first, symbols = rows[0], [row.symbol for row in rows]
    newest, played = first.versions
    message = (
        f"{first.date}: newer {DayKind(first.kind).label} of {_names(symbols)} in the store ({newest}); "
        f"this session plays {played}, a new one or a restart plays the newer"
    )
    versions = {row.symbol: row.newest for row in rows}
    subjects = {f"{row.kind} {row.symbol}": None for row in rows}
    data = {"type": first.kind, "symbols": versions}
    announce(holding.session, Announcement.Kind.NEWER, first.date, message, data, subjects)


def _names(symbols: Sequence[str]) -> str:
    more = len(symbols) - NAMED
    return ", ".join(symbols[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _version(number: int, derived: bool) -> str:
    return f"version {number}, made from bars" if derived else f"version {number}"
