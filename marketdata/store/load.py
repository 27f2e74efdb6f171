"""Days of bars out of Postgres, all columns of many days in one query."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marketdata.columns import BarColumns, no_bars, unpacked
from marketdata.kinds import DayKind
from marketdata.ledger import break_of
from marketdata.models import Scope
from marketdata.store.database import binary_cursor
from marketdata.store.stored_days import Key, LoadedDay, NewDay
from marketdata.store.write import held_versions
from marketdata.trading_day import Break

SELECT = """
SELECT c.cells, d.id, i.symbol, d.instrument_id, d.kind, d.version, d.row_count, d.derived, d.ledger, d.content_hash
  FROM marketdata_dayversion d JOIN marketdata_instrument i ON i.id = d.instrument_id
  LEFT JOIN marketdata_daychunk c ON c.day_id = d.id AND c.number = 0
"""
CURRENT = """
 WHERE d.dataset_id = %s AND d.date = %s AND d.current AND d.kind = 'bars' AND d.interval = %s AND d.scope = %s
   AND i.symbol = ANY(%s)
"""
BOUNDED = """
SELECT d.date, d.open_at, d.close_at, d.ledger, d.row_count, c.cells
  FROM marketdata_dayversion d LEFT JOIN marketdata_daychunk c ON c.day_id = d.id AND c.number = 0
 WHERE d.id = ANY(%s) AND d.kind = 'bars' ORDER BY d.date, d.id
"""


def load_day(
    dataset_id: int, date: dt.date, symbols: Sequence[str], *, interval: str = "1m", scope: str = Scope.REGULAR
) -> dict[str, LoadedDay]:
    """Symbol → the current version of that day of bars, recorded before derived, for the symbols that have one."""
    days = _days(CURRENT, [dataset_id, date, interval, str(scope), list(symbols)])
    return {day.symbol: day for day in sorted(days, key=lambda day: not day.derived)}


def load_versions(version_ids: Sequence[int]) -> dict[str, LoadedDay]:
    """Symbol → exactly those versions of bars, current or not: what a session has pinned."""
    return {day.symbol: day for day in load_rows(version_ids)}


def load_rows(version_ids: Sequence[int]) -> list[LoadedDay]:
    """Exactly those versions of bars, many days of a symbol among them."""
    return _days(" WHERE d.id = ANY(%s) AND d.kind = 'bars'", [list(version_ids)])


def load_other_content(dataset_id: int, days: Sequence[NewDay]) -> dict[Key, LoadedDay]:
    """Key → the current version, for those of the days of bars that the store has with other ones."""
    if not days:
        return {}
    with binary_cursor() as cursor:
        held = held_versions(cursor, dataset_id, days)
    other: dict[int, Key] = {}
    for day in days:
        _, row, content = held.get(day.key, (0, None, None))
        if row is not None and content != day.rows.content_hash():
            other[row] = day.key
    return {other[day.id]: day for day in load_rows(list(other))} if other else {}


def _days(where: str, params: Sequence[Any]) -> list[LoadedDay]:
    with binary_cursor() as cursor:
        cursor.execute(SELECT + where, params)
        return [LoadedDay(*(*day, _bars(cells, day[5]))) for cells, *day in cursor.fetchall()]


def _bars(cells: bytes | None, count: int) -> BarColumns:
    found = no_bars() if cells is None else unpacked(DayKind.BARS, cells, count)
    assert isinstance(found, BarColumns)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class BoundedDay:
    """One stored day of bars, and its session's bounds in seconds since 1970."""

    date: dt.date
    open: int
    close: int
    midday: Break
    bars: BarColumns


def load_bounded_days(version_ids: Sequence[int]) -> list[BoundedDay]:
    """Exactly these versions, by date."""
    with binary_cursor() as cursor:
        cursor.execute(BOUNDED, [list(version_ids)])
        return [
            BoundedDay(date, int(opened.timestamp()), int(closed.timestamp()), break_of(ledger), _bars(cells, count))
            for date, opened, closed, ledger, count, cells in cursor.fetchall()
        ]
