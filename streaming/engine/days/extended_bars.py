"""A day's minutes with those before the open and after the close, which the store keeps as a day of their own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from marketdata.columns import BarColumns, join_bars
from marketdata.hours import DayPart
from marketdata.store import LoadedDay
from marketdata.trading_day import TradingDay

MINUTE = 60
Pins = Mapping[str, int | None]


def outer_bars(day: TradingDay, pins: Pins, held: Mapping[int, LoadedDay]) -> dict[str, BarColumns]:
    """Symbol → of its stored extended hours what the day plays of them."""
    first, last = -day.minutes_before * MINUTE, (day.minutes + day.minutes_after) * MINUTE
    stored = {symbol: held[row].bars for symbol, row in pins.items() if row is not None}
    return {
        symbol: bars.take((bars.offset >= first) & (bars.offset + MINUTE <= last)) for symbol, bars in stored.items()
    }


def with_outer(bars: BarColumns, outer: BarColumns | None) -> BarColumns:
    """Both in time order."""
    if outer is None or not len(outer):
        return bars
    joined = join_bars([bars, outer])
    return joined.take(np.argsort(joined.offset, kind="stable"))


def played_bars(pins: Pins, outer: Mapping[str, BarColumns], held: Mapping[int, LoadedDay]) -> dict[str, BarColumns]:
    """Symbol → its minutes of the day, for the symbols that have any."""
    regular = {symbol: held[row].bars for symbol, row in pins.items() if row is not None}
    return {**outer, **{symbol: with_outer(bars, outer.get(symbol)) for symbol, bars in regular.items()}}


def part_of_rows(second: int, day: TradingDay) -> DayPart:
    """The part of rows that begin so many seconds after the open."""
    if second < 0:
        return DayPart.PRE
    return DayPart.REGULAR if second < day.minutes * MINUTE else DayPart.POST
