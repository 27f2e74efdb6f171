"""A symbol's day from the store, as orders meet it: pinned when an order first looks, and the same ever after."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
from marketdata.columns import BarColumns, TickColumns, no_bars
from marketdata.hours import DayPart
from marketdata.kinds import TICK_KINDS, DayKind, outside
from marketdata.models import Instrument, QuotesOf, Scope
from marketdata.store import StoredDay
from marketdata.units import SECOND_NS
from sessions.models import Session
from streaming.engine.records import journal as journals

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
        self.prepare([symbol], date, part)
        return self.held[symbol, date, part]

    def prepare(self, symbols: Iterable[str], date: dt.date, part: DayPart) -> None:
        """See that the days of all these are there: a day begins with the symbols of every open order."""
        wanted = sorted({symbol for symbol in symbols if (symbol, date, part) not in self.held})
        if not wanted:
            return
        self.held = {held: data for held, data in self.held.items() if held[1] == date}
        pins = self._pins(wanted, date)
        day, stored = self.session.calendar.trading_day(date), Stored.of(pins.values(), part)
        for symbol in wanted:
            made = _regular if part is DayPart.REGULAR else partial(_outer, part=part)
            data = made(symbol, day, pins.get(symbol, {}), stored)
            if data is not None:
                data.by_exchange = self.session.dataset.quotes == QuotesOf.EXCHANGE
            self.held[symbol, date, part] = data

    def _pins(self, symbols: Sequence[str], date: dt.date) -> dict[str, Pins]:
        found = self._written(symbols, date)
        missing = [symbol for symbol in symbols if symbol not in found]
        return {**found, **self._pin(missing, date)} if missing else found

    def _written(self, symbols: Sequence[str], date: dt.date) -> dict[str, Pins]:
        rows = MatchingPin.objects.filter(session=self.session, date=date, instrument__symbol__in=symbols)
        found: dict[str, Pins] = {}
        for symbol, kind, version, ledger in rows.values_list("instrument__symbol", "kind", "day_id", "ledger"):
            found.setdefault(symbol, {})[kind] = Pinned(version, ledger)
        return found

    def _pin(self, symbols: Sequence[str], date: dt.date) -> dict[str, Pins]:
        """Write down the versions: those that the session plays, else the store's current ones."""
        played = journals.read(self.session.pk, date)
        current = store.find_every_kind(self.session.dataset_id, date, symbols)
        days = {day.id: day for day in current.values()}
        instruments = self._instruments(symbols, days.values())
        versions: dict[tuple[str, str], int | None] = {}
        for kind, scope in KINDS_AND_SCOPES:
            name = outside(kind) if scope is Scope.EXTENDED else str(kind)
            pinned = played.pins(date, name)
            for symbol in instruments:
                newest = current.get((symbol, kind, scope))
                versions[symbol, name] = pinned.get(symbol) or (newest.id if newest else None)
        older = [version for version in versions.values() if version and version not in days]
        days |= {day.id: day for day in store.find_versions(older)}
        MatchingPin.objects.bulk_create(
            (
                MatchingPin(
                    session=self.session,
                    date=date,
                    instrument_id=instruments[symbol],
                    kind=name,
                    day_id=version,
                    ledger=days[version].ledger if version in days else "",
                )
                for (symbol, name), version in versions.items()
            ),
            ignore_conflicts=True,
        )
        return self._written(list(instruments), date)

    def _instruments(self, symbols: Iterable[str], days: Iterable[StoredDay]) -> dict[str, int]:
        """Symbol → its instrument, of those that the days do not say looked up."""
        found = {day.symbol: day.instrument_id for day in days}
        if others := [symbol for symbol in symbols if symbol not in found]:
            found |= dict(Instrument.objects.filter(symbol__in=others).values_list("symbol", "pk"))
        return found


@dataclass(frozen=True, slots=True)
class Stored:
    """What many symbols' pins stand for, read together: bars whole, of trades and quotes what there is to load."""

    bars: Mapping[int, BarColumns]
    ticks: Mapping[int, StoredDay]

    @classmethod
    def of(cls, pins: Iterable[Pins], part: DayPart) -> Stored:
        """For a part of the day; trades of after the close also meet orders of the regular one."""
        names = [str(kind) if part is DayPart.REGULAR else outside(kind) for kind in DayKind]
        ticks = [*names[1:], outside(DayKind.TRADES)]
        versions = [{name: each.version for name, each in row.items() if each.version} for row in pins]
        bars = [row[names[0]] for row in versions if names[0] in row]
        found = store.find_versions([row[name] for row in versions for name in ticks if name in row])
        return cls({day.id: day.bars for day in store.load_rows(bars)}, {day.id: day for day in found})

    def loader(
        self, pinned: Pinned, first: int | None = None, last: int | None = None
    ) -> Callable[[], TickColumns] | None:
        """Reads the rows of recorded trades or quotes, from one second after the open up to another."""
        day = self.ticks.get(pinned.version) if pinned.version else None
        return partial(_load, day, first, last) if day is not None and day.row_count and not day.derived else None


def _regular(symbol: str, day: TradingDay, pins: Pins, stored: Stored) -> DayData | None:
    bars, trades, quotes = (pins.get(str(kind), NOTHING) for kind in (DayKind.BARS, *TICK_KINDS))
    if not any(pinned.version for pinned in (bars, trades, quotes)):
        return None
    late = stored.loader(pins.get(outside(DayKind.TRADES), NOTHING), first=_seconds(day.close) - _seconds(day.open))
    return DayData(
        symbol,
        _seconds(day.open) * SECOND_NS,
        _seconds(day.close) * SECOND_NS,
        stored.bars[bars.version] if bars.version else None,
        stored.loader(trades),
        stored.loader(quotes),
        ledger=bars.ledger or trades.ledger or quotes.ledger,
        load_late_trades=late,
    )


def _outer(symbol: str, day: TradingDay, pins: Pins, stored: Stored, part: DayPart) -> DayData | None:
    """Before the open or after the close: bounds in seconds from the regular open."""
    begin, close = (day.begin, day.open) if part is DayPart.PRE else (day.close, day.end)
    low, high = (_seconds(bound) - _seconds(day.open) for bound in (begin, close))
    bars, trades, quotes = (pins.get(outside(kind), NOTHING) for kind in (DayKind.BARS, *TICK_KINDS))
    if not any(pinned.version for pinned in (bars, trades, quotes)):
        return None
    columns = stored.bars[bars.version] if bars.version else no_bars()
    return DayData(
        symbol,
        _seconds(day.open) * SECOND_NS,
        _seconds(close) * SECOND_NS,
        columns.take((columns.offset >= low) & (columns.offset + 60 <= high)),
        stored.loader(trades, first=low, last=high),
        stored.loader(quotes, first=low, last=high),
        outside=True,
        begins_ns=_seconds(begin) * SECOND_NS,
    )


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
