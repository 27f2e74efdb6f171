"""A table's rows by instrument and session; what cannot stay is told with its line and reason."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np

from marketdata.calendar import FIRST, LAST, NEW_YORK, TradingDay, is_trading_day, trading_day
from marketdata.columns import BarColumns
from marketdata.importing.reading import Table, groups, raw_line
from marketdata.models import Scope
from marketdata.rules import broken_rows

DAY_SECONDS = 86_400
UNREADABLE = np.iinfo(np.int64).min // 1_000_000_000


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row for quarantine."""

    line: int
    symbol: str
    reason: str
    raw: str


@dataclass(frozen=True, slots=True, eq=False)
class SymbolDay:
    """One instrument's rows of one session and scope, in time order, each minute once."""

    symbol: str
    date: dt.date
    scope: str
    bars: BarColumns


@dataclass(slots=True)
class Split:
    days: list[SymbolDay] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    repeated: int = 0
    """Rows that say again what an earlier row said."""


def split(table: Table) -> Split:
    """The file's instrument days, regular and extended apart, and the rows that broke a rule."""
    result = Split()
    usable = _usable(table, result)
    date = _session_dates(table.stamp[usable])
    order = np.lexsort((table.line[usable], table.stamp[usable], date, table.symbol[usable].astype(str)))
    rows, date = usable[order], date[order]
    for first, run in groups(table.symbol[rows], date):
        number = int(date[first])
        _split_day(table, rows[run], dt.date.fromordinal(number), result)
    return result


def _usable(table: Table, result: Split) -> np.ndarray:
    """Rows whose stamp can be placed in a session."""
    rows = np.arange(len(table.stamp))
    unread = table.stamp <= UNREADABLE
    _reject(table, rows[unread], "the time cannot be read", result)
    fraction = table.sub_second & ~unread
    _reject(table, rows[fraction], "the stamp is not on a whole minute", result)
    return rows[~unread & ~fraction]


def _session_dates(stamps: np.ndarray) -> np.ndarray:
    """New York dates as ordinals; one zone look-up per UTC hour, not per row."""
    hours, which = np.unique(stamps // 3600, return_inverse=True)
    dates = [dt.datetime.fromtimestamp(int(hour) * 3600, NEW_YORK).date().toordinal() for hour in hours]
    found: np.ndarray = np.array(dates, dtype=np.int64)[which]
    return found


def _split_day(table: Table, rows: np.ndarray, date: dt.date, result: Split) -> None:
    if not FIRST <= date <= LAST or not is_trading_day(date):
        _reject(table, rows, f"{date} is not a trading day of XNYS", result)
        return
    day = trading_day(date)
    bars = _columns(table, rows, day)
    broken = broken_rows(bars)
    for row, reason in broken:
        _reject(table, rows[row : row + 1], reason, result)
    kept = np.ones(len(rows), dtype=bool)
    kept[[row for row, _ in broken]] = False
    kept &= _first_of_each_minute(table, rows, bars, kept, result)
    inside = (bars.offset >= 0) & (bars.offset < day.minutes * 60)
    for scope, part in ((Scope.REGULAR, kept & inside), (Scope.EXTENDED, kept & ~inside)):
        if part.any():
            result.days.append(SymbolDay(str(table.symbol[rows[0]]), date, scope, bars.take(part)))


def _columns(table: Table, rows: np.ndarray, day: TradingDay) -> BarColumns:
    offset = table.stamp[rows] - round(day.open.timestamp())
    return BarColumns(offset, *(table.values[i][rows] for i in range(7)))


def _first_of_each_minute(
    table: Table, rows: np.ndarray, bars: BarColumns, kept: np.ndarray, result: Split
) -> np.ndarray:
    """Of rows for the same minute the first holds; one that says something else is quarantined."""
    first = np.ones(len(rows), dtype=bool)
    usable = np.flatnonzero(kept)
    again = usable[1:][bars.offset[usable][1:] == bars.offset[usable][:-1]]
    for row in again:
        first[row] = False
        holder = usable[np.searchsorted(bars.offset[usable], bars.offset[row])]
        one, other = table.values[:, rows[row]], table.values[:, rows[holder]]
        if np.array_equal(one, other, equal_nan=True):
            result.repeated += 1
        else:
            reason = f"line {table.line[rows[holder]]} has other values for the same minute"
            _reject(table, rows[row : row + 1], reason, result)
    return first


def _reject(table: Table, rows: np.ndarray, reason: str, result: Split) -> None:
    for row in rows:
        place = int(table.line[row]), str(table.symbol[row]), reason, raw_line(table, int(row))
        result.rejected.append(Rejected(*place))
