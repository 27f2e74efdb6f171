"""Trades and quotes newer than what live sessions have pinned, also where that is none: told, never admitted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from marketdata.ticks.columns import TickKind
from streaming.db import alone
from streaming.upkeep.holding import Holding

EVENT = "newer"
LOCK_SPACE = 0x7A9F
NAMED = 6
# The first pin of a symbol holds, type by type; null where the day had none then. What a new session would pin is the
# current version of the regular session, recorded before derived.
NEWER = """
WITH pinned AS (
  SELECT DISTINCT ON (j.session_id, k.kind, p.symbol)
         j.session_id, s.date, k.kind, p.symbol, p.day::bigint AS day
    FROM unnest(%s::bigint[], %s::text[]) AS s(id, date)
    JOIN replay_journalentry j ON j.session_id = s.id AND j.kind = 'load' AND j.payload->>'date' = s.date,
         unnest(ARRAY['ticks', 'quotes']) AS k(kind), jsonb_each_text(j.payload->k.kind) AS p(symbol, day)
   ORDER BY j.session_id, k.kind, p.symbol, j.number)
SELECT p.session_id, p.date, p.kind, p.symbol, d.version, d.derived, c.version, c.derived
  FROM pinned p
  JOIN replay_session s ON s.id = p.session_id
  JOIN marketdata_instrument i ON i.symbol = p.symbol
  LEFT JOIN marketdata_tickday d ON d.id = p.day
 CROSS JOIN LATERAL (
       SELECT n.id, n.version, n.derived FROM marketdata_tickday n
        WHERE (n.dataset_id, n.instrument_id, n.kind, n.date, n.scope)
            = (s.dataset_id, i.id, p.kind, p.date::date, 'regular') AND n.current
        ORDER BY n.derived LIMIT 1) c
 WHERE c.id IS DISTINCT FROM p.day
   AND NOT EXISTS (
       SELECT FROM replay_sessionevent e
        WHERE e.session_id = p.session_id AND e.kind = 'newer' AND e.data->>'date' = p.date
          AND e.data->>'type' = p.kind AND e.data->'symbols' ? p.symbol)
 ORDER BY p.session_id, p.kind DESC, p.symbol
"""


@dataclass(frozen=True, slots=True)
class Newer:
    """A symbol's day of one kind, of which the store has another version than the session plays, or plays none."""

    session_id: int
    date: str
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


def tell(found: Iterable[Holding]) -> Counter[str]:
    """Once for each session's day of trades or quotes; one question for all sessions, none where none plays any."""
    holdings = {h.session.pk: h for h in found if h.session.is_live and set(h.session.types) & set(TickKind.values)}
    told: Counter[str] = Counter()
    for pk in sorted({row.session_id for row in _newer(holdings)}):
        with alone(LOCK_SPACE, pk) as mine:
            # Asked again under the lock: another run may have told it meanwhile.
            for rows in _alike(_newer({pk: holdings[pk]}) if mine else ()):
                _record(holdings[pk], rows)
                told["newer"] += 1
    return told


def _newer(holdings: Mapping[int, Holding]) -> list[Newer]:
    if not holdings:
        return []
    dates = [holding.day.date.isoformat() for holding in holdings.values()]
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
    told = (
        f"{first.date}: newer {TickKind(first.kind).label} of {_names(symbols)} in the store ({newest}); "
        f"this session plays {played}, a new one or a restart plays the newer"
    )
    versions = {row.symbol: row.newest for row in rows}
    holding.session.record(EVENT, told, date=first.date, type=first.kind, symbols=versions)


def _names(symbols: Sequence[str]) -> str:
    more = len(symbols) - NAMED
    return ", ".join(symbols[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _version(number: int, derived: bool) -> str:
    return f"version {number}, made from bars" if derived else f"version {number}"
