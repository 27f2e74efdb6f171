"""A table's rows by instrument and session; what cannot stay is reported with its line and reason."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from marketdata.columns import BarColumns, Ints, Rows, TickColumns
from marketdata.columns.bar_columns import BAR_VALUES
from marketdata.exchange_calendar import ExchangeCalendar, calendar_of
from marketdata.exchange_schedule import FIRST, LAST
from marketdata.importing.base.refusals import Doubt, UnreadableFile
from marketdata.importing.days.noise import without_noise
from marketdata.importing.tables.bar_reading import UNREADABLE, Table, groups
from marketdata.importing.tables.widths import refuse_other_widths
from marketdata.models import Scope
from marketdata.rules import broken_rows
from marketdata.symbols import is_symbol
from marketdata.trading_day import TradingDay

FEW_CLASHES, MANY_CLASHES, CLASHING = 2, 20, 0.1
"""Minutes with several rows that a column explains, and that none does; and their share of all minutes."""
OTHER_PRICE = 0.01


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row for quarantine."""

    line: int
    symbol: str
    reason: str
    raw: str
    date: dt.date | None = None
    """The exchange's, where the stamp can be read."""


@dataclass(frozen=True, slots=True, eq=False)
class SymbolDay:
    """One instrument's rows of one session and scope, in time order: bars with each minute once, or single events with
    ties as in the file."""

    symbol: str
    date: dt.date
    scope: str
    rows: Rows

    @property
    def bars(self) -> BarColumns:
        assert isinstance(self.rows, BarColumns)
        return self.rows

    @property
    def ticks(self) -> TickColumns:
        assert isinstance(self.rows, TickColumns)
        return self.rows


@dataclass(slots=True)
class Split:
    days: list[SymbolDay] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    repeated: int = 0
    """Rows that a later row says again."""
    repaired: int = 0
    """Bars whose high or low was below or above the open or the close by no more than a float's noise."""


def split(table: Table, *, as_is: bool = False) -> Split:
    """The file's instrument days, regular and extended apart, and the rows that broke a rule.

    Raises NotBars for a file whose bars are not of one minute, Doubt where they may be; that one not `as_is`.
    """
    result = Split(rejected=[Rejected(bad.line, "", bad.reason, bad.raw) for bad in table.bad])
    rows = _readable(table, result)
    rows = rows[np.lexsort((table.line[rows], table.stamp[rows], table.symbol[rows]))]
    refuse_other_widths(table.path, table.names, table.stamp[rows], table.symbol[rows], as_is=as_is)
    days = calendar_of(table.exchange)
    date, opened, minutes = _sessions(table.stamp[rows], days)
    for ordinal in np.unique(date[minutes == 0]):
        closed = dt.date.fromordinal(int(ordinal))
        _reject(table, rows[date == ordinal], f"{closed} is not a trading day of {table.exchange}", result)
    open_day = minutes > 0
    rows, date, opened, minutes = rows[open_day], date[open_day], opened[open_day], minutes[open_day]
    bars = BarColumns(table.stamp[rows] - opened, *(table.values[i][rows] for i in range(7)))
    bars, result.repaired = without_noise(bars)
    kept = _sound(table, rows, bars, result)
    kept = _last_of_each_minute(table, rows, kept, result)
    inside = (bars.offset >= 0) & (bars.offset < minutes * 60) & ~_in_break(bars.offset, date, days)
    for scope, part in ((Scope.REGULAR, kept & inside), (Scope.EXTENDED, kept & ~inside)):
        result.days += _days(table, rows[part], date[part], bars.take(part), scope)
    result.rejected.sort(key=lambda row: row.line)
    return result


def _readable(table: Table, result: Split) -> Ints:
    """Rows of a symbol, whose stamp can be placed in a session."""
    rows = np.arange(len(table), dtype=np.int64)
    nameless = np.zeros(len(table), dtype=bool)
    if len(table.names) > 1:  # a lone name is the whole file's: the runner refuses it
        for place in (place for place, name in enumerate(table.names) if not is_symbol(name)):
            these = table.symbol == place
            nameless |= these
            _reject(table, rows[these], f"{table.names[place]!r} is not a symbol", result)
    unread = (table.stamp <= UNREADABLE) & ~nameless
    for row in rows[unread]:
        _reject(table, rows[row : row + 1], table.unread_reason(int(row)), result)
    fraction = table.sub_second & ~unread & ~nameless
    _reject(table, rows[fraction], "the stamp is not on a whole minute", result)
    return rows[~nameless & ~unread & ~fraction]


def _sessions(stamps: Ints, days: ExchangeCalendar) -> tuple[Ints, Ints, Ints]:
    """For each stamp the exchange's date as an ordinal, that day's open in seconds, its minutes (0: closed).

    One look-up per hour and per date, not per row.
    """
    hours, which = np.unique(stamps // 3600, return_inverse=True)
    dates = [days.row_date_of(dt.datetime.fromtimestamp(int(hour) * 3600, dt.UTC)) for hour in hours]
    found = {date: _session(days.days.get(date)) for date in set(dates)}
    table = np.array([(date.toordinal(), *found[date]) for date in dates], dtype=np.int64).reshape(-1, 3)
    ordinal, opened, minutes = table[which].T
    return ordinal, opened, minutes


def _in_break(offset: Ints, date: Ints, days: ExchangeCalendar) -> np.ndarray:
    """Rows of a midday break, which are outside of the session."""
    found = np.zeros(len(offset), dtype=bool)
    if days.has_breaks:
        for ordinal in np.unique(date):
            midday = days.trading_day(dt.date.fromordinal(int(ordinal))).midday
            found |= (date == ordinal) & midday.holds(offset // 60)
    return found


def _session(day: TradingDay | None) -> tuple[int, int]:
    return (0, 0) if day is None else (round(day.open.timestamp()), day.minutes)


def _sound(table: Table, rows: Ints, bars: BarColumns, result: Split) -> np.ndarray:
    """Rows that break no rule; the others are rejected."""
    kept = np.ones(len(rows), dtype=bool)
    for row, reason in broken_rows(bars):
        kept[row] = False
        _reject(table, rows[row : row + 1], reason, result)
    garbled = table.garbled[rows] & kept
    _reject(table, rows[garbled], "volume, trade count or vwap is not a number", result)
    return kept & ~garbled


def _last_of_each_minute(table: Table, rows: Ints, kept: np.ndarray, result: Split) -> np.ndarray:
    """The last of the rows for a minute; one before it that says something else is quarantined."""
    usable = np.flatnonzero(kept)
    stamp, symbol = table.stamp[rows[usable]], table.symbol[rows[usable]]
    again = np.zeros(len(usable), dtype=bool)
    again[:-1] = (stamp[1:] == stamp[:-1]) & (symbol[1:] == symbol[:-1])
    places = np.arange(len(usable))
    holder = np.minimum.accumulate(np.where(again, len(usable), places)[::-1])[::-1]
    earlier, last = rows[usable[again]], rows[usable[holder[again]]]
    one, two = table.values[:, earlier], table.values[:, last]
    other = ~((one == two) | (np.isnan(one) & np.isnan(two))).all(axis=0)
    result.repeated += int((~other).sum())
    _refuse_several_securities(table, earlier[other], last[other], int((~again).sum()))
    for row, holds in zip(earlier[other], last[other], strict=True):
        _reject(table, np.array([row]), f"line {table.line[holds]} has other values for the same minute", result)
    last_ones = kept.copy()
    last_ones[usable[again]] = False
    return last_ones


def _refuse_several_securities(table: Table, earlier: Ints, last: Ints, minutes: int) -> None:
    """Raises Doubt, or UnreadableFile, where so many minutes have several rows that they are of several securities."""
    clashes = len(np.unique(last))
    if clashes < FEW_CLASHES or clashes < CLASHING * minutes:
        return
    frame = table.sheet.frame
    texts = [name for name in table.decision.unused if name in frame and not pd.api.types.is_float_dtype(frame[name])]
    telling = [
        name for name in texts if _differ(frame[name], earlier, last) and 1 < frame[name].nunique() <= minutes / 2
    ]
    closes = table.values[BAR_VALUES.index("close")]
    apart = np.abs(closes[earlier] / closes[last] - 1) > OTHER_PRICE
    if not telling and (clashes < MANY_CLASHES or apart.mean() < 1 / 2):
        return
    what = f"{clashes:,} of its {minutes:,} minutes have several rows that do not say the same"
    if not telling:
        raise UnreadableFile(
            f"{table.path}: {what}: they seem to be of several securities: name the column that tells them apart with "
            "--columns symbol=…, or import each from a file of its own."
        )
    name = telling[0]
    value = frame[name].iloc[int(last[0])]
    raise Doubt(
        f"{table.path}: {what}, and column {name} tells them apart",
        f"where it names securities pass --columns symbol={name}; else keep one's with --only {name}={value}",
        option="only",
        choices=tuple(f"{name}={one}" for one in frame[name].unique()[:9]),
    )


def _differ(column: pd.Series, earlier: Ints, last: Ints) -> bool:
    """Whether it has other values in the rows of one minute."""
    return bool((column.iloc[earlier].to_numpy() != column.iloc[last].to_numpy()).all())


def _days(table: Table, rows: Ints, date: Ints, bars: BarColumns, scope: str) -> list[SymbolDay]:
    symbol = table.symbol[rows]
    return [
        SymbolDay(table.names[symbol[first]], dt.date.fromordinal(int(date[first])), scope, bars.take(run))
        for first, run in groups(symbol, date)
    ]


def _reject(table: Table, rows: np.ndarray, reason: str, result: Split) -> None:
    days = calendar_of(table.exchange)
    for row in rows:
        place = int(table.line[row]), table.names[table.symbol[row]], reason, table.sheet.raw(int(row))
        result.rejected.append(Rejected(*place, date_of(int(table.stamp[row]), days)))


def date_of(stamp: int, days: ExchangeCalendar) -> dt.date | None:
    """The exchange's date of a stamp in seconds; None for one that is no time or lies outside the calendar."""
    try:
        date = days.row_date_of(dt.datetime.fromtimestamp(stamp, dt.UTC))
    except (ValueError, OverflowError, OSError):
        return None
    return date if FIRST <= date <= LAST else None
