"""A table's trades or quotes by instrument and session; what cannot stay is reported with its line and reason."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np

from marketdata.exchange_calendar import ExchangeCalendar, calendar_of
from marketdata.importing.days.splitting import Rejected, Split, SymbolDay, date_of
from marketdata.importing.guards.edges import distinct, exchange_dates
from marketdata.importing.guards.misreadings import refuse_loose_word, refuse_misplaced
from marketdata.importing.guards.placement import misplaced
from marketdata.importing.tables.bar_reading import ExchangeOf, as_asked, groups
from marketdata.importing.tables.tick_reading import TickTable
from marketdata.models import Scope
from marketdata.rules import broken_rows
from marketdata.units import MINUTE_NS, SECOND_NS

UNREADABLE = np.iinfo(np.int64).min


def split_ticks(table: TickTable, exchange_of: ExchangeOf = as_asked, asked: str = "") -> Split:
    """The file's instrument days, regular and extended apart, and the rows that broke a rule."""
    result = Split(rejected=[Rejected(bad.line, "", bad.reason, bad.raw) for bad in table.bad])
    at = table.rows.at
    unread = at == UNREADABLE
    garbled = table.garbled & ~unread
    usable = np.flatnonzero(~unread & ~garbled)
    symbol = table.symbol[usable].astype(str)
    days = calendar_of(exchange_of(np.unique(symbol).tolist(), asked))
    for row in np.flatnonzero(unread):
        _reject(table, np.array([row]), table.unread_reason(int(row)), days, result)
    if not table.as_is:
        minutes, _ = distinct(at[usable] // MINUTE_NS)
        refuse_misplaced(misplaced(minutes * 60, np.zeros(len(minutes)), days), table.decision.zone, table.path)
        refuse_loose_word(minutes * 60, days, table.decision.zone, table.path)
    _reject(table, np.flatnonzero(garbled), "a price or a size is not a number", days, result)
    date = exchange_dates(at[usable] // SECOND_NS, days)
    order = np.lexsort((at[usable], date, symbol))  # stable: ties stay as the file has them
    rows, date = usable[order], date[order]
    for first, run in groups(symbol[order], date):
        _split_day(table, rows[run], dt.date.fromordinal(int(date[first])), days, result)
    return result


def _split_day(table: TickTable, rows: np.ndarray, date: dt.date, days: ExchangeCalendar, result: Split) -> None:
    day = days.days.get(date)
    if day is None:
        _reject(table, rows, f"{date} is not a trading day of {days.exchange}", days, result)
        return
    ticks = table.rows.take(rows)
    ticks = replace(ticks, at=ticks.at - round(day.open.timestamp()) * SECOND_NS)
    kept = np.ones(len(rows), dtype=bool)
    for row, reason in broken_rows(ticks):
        kept[row] = False
        _reject(table, rows[row : row + 1], reason, days, result)
    inside = (ticks.at >= 0) & (ticks.at < day.minutes * MINUTE_NS) & ~day.midday.holds(ticks.at // MINUTE_NS)
    for scope, part in ((Scope.REGULAR, kept & inside), (Scope.EXTENDED, kept & ~inside)):
        if part.any():
            result.days.append(SymbolDay(str(table.symbol[rows[0]]), date, scope, ticks.take(part)))


def _reject(table: TickTable, rows: np.ndarray, reason: str, days: ExchangeCalendar, result: Split) -> None:
    for row in rows:
        place = int(table.line[row]), str(table.symbol[row]), reason, table.sheet.raw(int(row))
        result.rejected.append(Rejected(*place, date_of(int(table.rows.at[row]) // SECOND_NS, days)))
