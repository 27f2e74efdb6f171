"""What a session plays of its days, read from its journal and the store; later than its clock too: callers cut it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

from marketdata import store
from marketdata.columns import BarColumns
from marketdata.hours import Hours
from marketdata.kinds import DayKind, outside
from marketdata.trading_day import TradingDay
from sessions.models import Session
from streaming.engine.days.extended_bars import outer_bars, played_bars
from streaming.engine.records.journal import BEGINNING, Journal

Pins = Mapping[str, int | None]


def day_bars(
    session: Session,
    journal: Journal,
    dates: Sequence[dt.date],
    symbols: Collection[str],
    generation: int | None = None,
    clock: dt.datetime | None = None,
) -> list[tuple[TradingDay, dict[str, BarColumns]]]:
    """For each date the symbols' minutes as a frame at the clock is made from them, in one read of the store.

    By default at the session's own clock. `journal` has the dates' pins.
    """
    generation, clock = generation or session.run.generation, clock or session.run.clock or BEGINNING
    days = [session.calendar.trading_day(date) for date in dates]
    pins = [_of(symbols, journal.in_effect(date, generation, clock)) for date in dates]
    extended = session.hours == Hours.EXTENDED
    around = [_of(symbols, journal.pins(date, outside(DayKind.BARS)) if extended else {}) for date in dates]
    rows = [row for part in (*pins, *around) for row in part.values() if row is not None]
    held = {day.id: day for day in store.load_rows(rows)} if rows else {}
    found = zip(days, pins, around, strict=True)
    return [(day, played_bars(played, outer_bars(day, outer, held), held)) for day, played, outer in found]


def _of(symbols: Collection[str], pins: Pins) -> Pins:
    return {symbol: row for symbol, row in pins.items() if symbol in symbols}
