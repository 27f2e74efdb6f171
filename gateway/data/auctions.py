"""`/v2/stocks/auctions`: each day's opening and closing prints, as far as the clock has come.

They are the trades that say so. A day of which the store has bars alone has its first open and, when it is over, its
last close, marked as made.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from broker.matching.conditions import CLOSING, OPENING
from gateway.data.conditions import of_trade
from gateway.data.day_cache import DayRow, Days
from gateway.data.made_ticks import CONDITION
from gateway.data.page_tokens import Row, Rows, Span
from gateway.data.trades_quotes import TickRow, Ticks
from gateway.wire.moments import midnight, new_york_date, rfc3339_ns
from marketdata.columns import TickColumns
from marketdata.models import Scope
from marketdata.units import MINUTE_NS, SECOND_NS

Prints = dict[str, list[Row]]
SIDES = {"o": OPENING, "c": CLOSING}
"""The conditions of the opening and of the closing auction's prints."""


def read(days: Days, ticks: Ticks, bars: Sequence[DayRow], trades: Sequence[TickRow], span: Span) -> Rows:
    """At most `span.most` days of one symbol; `bars`, `trades`: its stored days."""
    traded: dict[dt.date, list[TickRow]] = {}
    for row in trades:
        traded.setdefault(new_york_date(row.open_ns), []).append(row)
    regular = {row.date: row for row in bars if row.scope == Scope.REGULAR}
    dates = sorted(traded.keys() | regular.keys(), reverse=span.descending)
    found: list[tuple[int, Row]] = []
    for date in dates:
        of_day = recorded(ticks, traded[date]) if date in traded else made(days, regular[date])
        if any(of_day.values()) and span.start <= midnight(date) <= span.end:
            found.append((midnight(date), {"d": date.isoformat(), **of_day}))
        if len(found) >= span.most:
            break
    return Rows([ns for ns, _ in found], [row for _, row in found])


def recorded(ticks: Ticks, rows: Sequence[TickRow]) -> Prints:
    """The prints among a day's trades."""
    found: Prints = {side: [] for side in SIDES}
    for row, part, _ in ticks.parts(rows, Span(0, ticks.as_of, False, 1)):
        for side, letters in SIDES.items():
            found[side] += _prints(part, row.open_ns, letters)
    return found


def _prints(trades: TickColumns, open_ns: int, letters: Sequence[str]) -> Iterator[Row]:
    words = np.array([bool(set(of_trade(word)) & set(letters)) for word in trades.words], dtype=bool)
    for row in np.flatnonzero(words[trades.code("condition")]).tolist():
        price, size = trades.value("price")[row], trades.value("size")[row]
        exchange = trades.words[trades.code("exchange")[row]]
        condition = next(each for each in of_trade(trades.words[trades.code("condition")[row]]) if each in letters)
        yield _row(open_ns + int(trades.at[row]), exchange, float(price), float(np.nan_to_num(size)), condition)


def made(days: Days, row: DayRow) -> Prints:
    """The prints that are made for a day of bars alone."""
    minutes = days.minutes([row])
    if not len(minutes.bars):
        return {side: [] for side in SIDES}
    bars, stamps = minutes.bars, minutes.stamps
    opening = _row(int(stamps[0]), "", float(bars.open[0]), float(bars.volume[0]), CONDITION)
    over = days.session.calendar.trading_day(row.date).close.timestamp() * SECOND_NS <= days.as_of
    closing = _row(int(stamps[-1]) + MINUTE_NS, "", float(bars.close[-1]), float(bars.volume[-1]), CONDITION)
    return {"o": [opening], "c": [closing] if over else []}


def _row(ns: int, exchange: str, price: float, size: float, condition: str) -> dict[str, Any]:
    return {"t": rfc3339_ns(ns), "x": exchange, "p": price, "s": int(size), "c": condition}
