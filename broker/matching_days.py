"""A symbol's day from the store, as orders meet it: pinned when an order first looks, and the same ever after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import numpy as np

from broker.day_pins import NOTHING, Pinned, Pins, pinned
from broker.matching.bars import BarMarket
from broker.matching.day import DayData, Market
from broker.matching.quotes import QuoteMarket
from broker.matching.terms import Terms
from broker.matching.trades import TradeMarket
from marketdata import store
from marketdata.calendar import TradingDay
from marketdata.columns import BarColumns, TickColumns, no_bars
from marketdata.hours import DayPart
from marketdata.kinds import TICK_KINDS, DayKind, outside
from marketdata.models import QuotesOf
from marketdata.units import SECOND_NS
from sessions.models import Session


class MatchingDays:
    """The stored days that a session's orders meet. `first`: for who looks before the session's worker does."""

    def __init__(self, session: Session, *, first: bool = False) -> None:
        self.session, self.first = session, first
        self.held: dict[tuple[str, dt.date, DayPart], DayData | None] = {}

    def market(self, symbol: str, date: dt.date, terms: Terms, part: DayPart = DayPart.REGULAR) -> Market | None:
        """The part of the day under an account's terms; None where the store has nothing of it."""
        data = self.data(symbol, date, part)
        if data is None:
            return None
        if data.load_quotes:
            return QuoteMarket(data, terms)
        return TradeMarket(data, terms) if data.load_trades else BarMarket(data, terms)

    def data(self, symbol: str, date: dt.date, part: DayPart) -> DayData | None:
        self.prepare([symbol], date, part)
        return self.held[symbol, date, part]

    def prepare(self, symbols: Iterable[str], date: dt.date, part: DayPart) -> None:
        """See that the days of all these are there: a day begins with the symbols of every open order."""
        wanted = sorted({symbol for symbol in symbols if (symbol, date, part) not in self.held})
        if not wanted:
            return
        self.held = {held: data for held, data in self.held.items() if held[1] == date}
        pins = pinned(self.session, date, wanted, first=self.first)
        day, bars = self.session.calendar.trading_day(date), _bars_of(pins.values(), part)
        for symbol in wanted:
            made = _regular if part is DayPart.REGULAR else partial(_outer, part=part)
            data = made(symbol, day, pins.get(symbol, {}), bars)
            if data is not None and data.load_quotes:
                data.by_exchange = self.session.dataset.quotes == QuotesOf.EXCHANGE
            self.held[symbol, date, part] = data


Bars = Mapping[int, BarColumns]
"""Version → the bars of its day."""


def _bars_of(pins: Iterable[Pins], part: DayPart) -> Bars:
    """All that a part of the day needs, in one read."""
    name = str(DayKind.BARS) if part is DayPart.REGULAR else outside(DayKind.BARS)
    days = [row[name].day for row in pins if name in row]
    versions = [day.id for day in days if day is not None]
    return {day.id: day.bars for day in store.load_rows(versions)} if versions else {}


def _loader(pin: Pinned, first: int | None = None, last: int | None = None) -> Callable[[], TickColumns] | None:
    """Reads the rows of recorded trades or quotes, from one second after the open up to another."""
    day = pin.day
    return partial(_load, day, first, last) if day is not None and day.row_count and not day.derived else None


def _regular(symbol: str, day: TradingDay, pins: Pins, held: Bars) -> DayData | None:
    bars, trades, quotes = (pins.get(str(kind), NOTHING) for kind in (DayKind.BARS, *TICK_KINDS))
    if not any(pin.day for pin in (bars, trades, quotes)):
        return None
    late = _loader(pins.get(outside(DayKind.TRADES), NOTHING), first=_seconds(day.close) - _seconds(day.open))
    return DayData(
        symbol,
        _seconds(day.open) * SECOND_NS,
        _seconds(day.close) * SECOND_NS,
        held[bars.day.id] if bars.day else None,
        _loader(trades),
        _loader(quotes),
        ledger=bars.ledger or trades.ledger or quotes.ledger,
        load_late_trades=late,
    )


def _outer(symbol: str, day: TradingDay, pins: Pins, held: Bars, part: DayPart) -> DayData | None:
    """Before the open or after the close: bounds in seconds from the regular open."""
    begin, close = (day.begin, day.open) if part is DayPart.PRE else (day.close, day.end)
    low, high = (_seconds(bound) - _seconds(day.open) for bound in (begin, close))
    bars, trades, quotes = (pins.get(outside(kind), NOTHING) for kind in (DayKind.BARS, *TICK_KINDS))
    if not any(pin.day for pin in (bars, trades, quotes)):
        return None
    columns = held[bars.day.id] if bars.day else no_bars()
    return DayData(
        symbol,
        _seconds(day.open) * SECOND_NS,
        _seconds(close) * SECOND_NS,
        columns.take((columns.offset >= low) & (columns.offset + 60 <= high)),
        _loader(trades, first=low, last=high),
        _loader(quotes, first=low, last=high),
        outside=True,
        begins_ns=_seconds(begin) * SECOND_NS,
    )


def _load(day: store.StoredDay, first: int | None, last: int | None) -> TickColumns:
    rows = store.load_ticks(day)
    inside = np.ones(len(rows), dtype=bool)
    if first is not None:
        inside &= rows.at >= first * SECOND_NS
    if last is not None:
        inside &= rows.at < last * SECOND_NS
    return rows if inside.all() else rows.take(inside)


def _seconds(moment: dt.datetime) -> int:
    return round(moment.timestamp())
