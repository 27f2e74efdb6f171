"""A symbol's day from the store, as orders meet it: pinned when an order first looks, and the same ever after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from broker.matching.bars import BarMarket
from broker.matching.day import DayData, Market
from broker.matching.quotes import QuoteMarket
from broker.matching.terms import Terms
from broker.matching.trades import TradeMarket
from broker.models import MatchingPin
from marketdata import store
from marketdata.calendar import TradingDay
from marketdata.columns import TickColumns, no_bars
from marketdata.hours import DayPart
from marketdata.kinds import SECOND_NS, TICK_KINDS, DayKind, outside
from marketdata.models import Instrument, QuotesOf, Scope
from marketdata.store import StoredDay
from sessions.models import Session
from streaming.engine import journal as journals

KINDS_AND_SCOPES = tuple((kind, scope) for kind in DayKind for scope in (Scope.REGULAR, Scope.EXTENDED))


class Pinned(NamedTuple):
    version: int | None
    ledger: str


NOTHING = Pinned(None, "")
Pins = dict[str, Pinned]
"""By kind; of extended hours under names of their own."""


class MatchingDays:
    """The stored days that a session's orders meet."""

    def __init__(self, session: Session) -> None:
        self.session = session
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
        key = symbol, date, part
        if key not in self.held:
            self.held = {held: data for held, data in self.held.items() if held[1] == date}
            day, pins = self.session.calendar.trading_day(date), self._pins(symbol, date)
            data = _regular(symbol, day, pins) if part is DayPart.REGULAR else _outer(symbol, day, pins, part)
            if data is not None:
                data.by_exchange = self.session.dataset.quotes == QuotesOf.EXCHANGE
            self.held[key] = data
        return self.held[key]

    def _pins(self, symbol: str, date: dt.date) -> Pins:
        rows = MatchingPin.objects.filter(session=self.session, date=date, instrument__symbol=symbol)
        found = {row.kind: Pinned(row.day_id, row.ledger) for row in rows}
        return found if found else self._pin(symbol, date)

    def _pin(self, symbol: str, date: dt.date) -> Pins:
        """Write down the versions: those that the session plays, else the store's current ones."""
        instrument = Instrument.objects.filter(symbol=symbol).first()
        if instrument is None:
            return {}
        played, dataset = journals.read(self.session.pk, date), self.session.dataset_id
        rows = []
        for kind, scope in KINDS_AND_SCOPES:
            name = outside(kind) if scope is Scope.EXTENDED else str(kind)
            current = store.find_days(dataset, kind, date, [symbol], scope=scope).get(symbol)
            version = played.pins(date, name).get(symbol) or (current.id if current else None)
            day = next(iter(store.find_versions([version])), None) if version else None
            pin = MatchingPin(session=self.session, date=date, instrument=instrument, kind=name, day_id=version)
            pin.ledger = day.ledger if day else ""
            rows.append(pin)
        MatchingPin.objects.bulk_create(rows, ignore_conflicts=True)
        pinned = MatchingPin.objects.filter(session=self.session, date=date, instrument=instrument)
        return {row.kind: Pinned(row.day_id, row.ledger) for row in pinned}


def _regular(symbol: str, day: TradingDay, pins: Pins) -> DayData | None:
    bars, trades, quotes = (pins.get(str(kind), NOTHING) for kind in (DayKind.BARS, *TICK_KINDS))
    if not any(pinned.version for pinned in (bars, trades, quotes)):
        return None
    late = _loader(pins.get(outside(DayKind.TRADES), NOTHING), first=_seconds(day.close) - _seconds(day.open))
    return DayData(
        symbol,
        _seconds(day.open) * SECOND_NS,
        _seconds(day.close) * SECOND_NS,
        store.load_rows([bars.version])[0].bars if bars.version else None,
        _loader(trades),
        _loader(quotes),
        ledger=bars.ledger or trades.ledger or quotes.ledger,
        load_late_trades=late,
    )


def _outer(symbol: str, day: TradingDay, pins: Pins, part: DayPart) -> DayData | None:
    """Before the open or after the close: bounds in seconds from the regular open."""
    begin, close = (day.begin, day.open) if part is DayPart.PRE else (day.close, day.end)
    low, high = (_seconds(bound) - _seconds(day.open) for bound in (begin, close))
    bars, trades, quotes = (pins.get(outside(kind), NOTHING) for kind in (DayKind.BARS, *TICK_KINDS))
    if not any(pinned.version for pinned in (bars, trades, quotes)):
        return None
    columns = store.load_rows([bars.version])[0].bars if bars.version else no_bars()
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


def _loader(pinned: Pinned, first: int | None = None, last: int | None = None) -> Callable[[], TickColumns] | None:
    """Reads the rows of recorded trades or quotes, from one second after the open up to another."""
    day = next(iter(store.find_versions([pinned.version])), None) if pinned.version else None
    return partial(_load, day, first, last) if day is not None and day.row_count and not day.derived else None


def _load(day: StoredDay, first: int | None, last: int | None) -> TickColumns:
    rows = store.load_ticks(day)
    inside = np.ones(len(rows), dtype=bool)
    if first is not None:
        inside &= rows.at >= first * SECOND_NS
    if last is not None:
        inside &= rows.at < last * SECOND_NS
    return rows if inside.all() else rows.take(inside)


def _seconds(moment: dt.datetime) -> int:
    return round(moment.timestamp())
