"""A day on its way into the store, and as it comes out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import NamedTuple

from marketdata.calendar import TradingDay
from marketdata.columns import BarColumns, Rows, TickColumns
from marketdata.kinds import DayKind
from marketdata.ledger import initial_ledger
from marketdata.models import CHUNK_ROWS, Scope

Key = tuple[int, str, str, dt.date, str, bool]
"""Instrument, kind, interval, date, scope, derived."""


@dataclass(frozen=True, slots=True, eq=False)
class NewDay:
    """One instrument's day on its way in. `made_from_bars` is asked of bars alone: single events say it themselves."""

    instrument_id: int
    date: dt.date
    rows: Rows
    scope: str = Scope.REGULAR
    interval: str = "1m"
    ledger: str = ""
    known_at: dt.datetime | None = None
    origin: str = ""
    made_from_bars: bool = False

    @property
    def key(self) -> Key:
        bars = self.rows.kind == DayKind.BARS
        interval = self.interval if bars else ""
        return self.instrument_id, str(self.rows.kind), interval, self.date, str(self.scope), self.derived

    @property
    def derived(self) -> bool:
        return self.rows.derived if isinstance(self.rows, TickColumns) else self.made_from_bars

    @property
    def bars(self) -> BarColumns:
        """The rows of a day of bars."""
        assert isinstance(self.rows, BarColumns)
        return self.rows

    def first_ledger(self, session: TradingDay) -> str:
        """The ledger that it came with; else, of a regular session by the minute, from its rows."""
        by_the_minute = self.rows.kind != DayKind.BARS or self.interval == "1m"
        if self.ledger or not by_the_minute or self.scope != Scope.REGULAR:
            return self.ledger
        return initial_ledger(self.rows.seconds, session.minutes, session.midday)


class Written(NamedTuple):
    """A new version's row, and the row that was current before."""

    row: int
    before: int | None


@dataclass(slots=True)
class WriteReport:
    """Rows by what became of them, and the versions that were written."""

    inserted: int = 0
    unchanged: int = 0
    revised: int = 0
    versions: dict[Key, Written] = field(default_factory=dict)

    @property
    def days_written(self) -> int:
        return len(self.versions)


@dataclass(frozen=True, slots=True)
class StoredDay:
    """A version without its rows."""

    id: int
    symbol: str
    instrument_id: int
    kind: str
    version: int
    row_count: int
    derived: bool
    ledger: str
    content_hash: str

    @property
    def chunk_count(self) -> int:
        return -(-self.row_count // CHUNK_ROWS)


@dataclass(frozen=True, slots=True, eq=False)
class LoadedDay(StoredDay):
    """A version of bars with them."""

    bars: BarColumns
