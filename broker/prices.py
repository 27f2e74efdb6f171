"""Prices of symbols as of a session's clock, for who asks about an account."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from decimal import Decimal

from broker.corporate_actions import split_since, symbol_before
from broker.matching.day import Market
from broker.matching.terms import Side, Terms
from broker.matching_days import MatchingDays
from broker.trader import date_of
from marketdata.units import MILLISECOND_NS, SECOND_NS
from sessions.models import Session

MARKETS_KEPT = 256
LOOK_BACK_DAYS = 7
"""Trading days in which the last price is looked for."""


class MarketCache:
    """Days of symbols, the most recently used of them; one per process. What is pinned never changes."""

    def __init__(self, most: int = MARKETS_KEPT) -> None:
        self.most, self.lock = most, threading.Lock()
        self.held: OrderedDict[tuple[int, str, dt.date], Market | None] = OrderedDict()

    def market(self, session: Session, symbol: str, date: dt.date) -> Market | None:
        key = session.pk, symbol, date
        with self.lock:
            if key in self.held:
                self.held.move_to_end(key)
                return self.held[key]
        market = MatchingDays(session, first=True).market(symbol, date, Terms())
        with self.lock:
            self.held[key] = market
            while len(self.held) > self.most:
                self.held.popitem(last=False)
        return market


CACHE = MarketCache()


class Prices:
    """One session's prices at one instant."""

    def __init__(self, session: Session, clock_ms: int) -> None:
        self.session, self.at, self.date = session, clock_ms * MILLISECOND_NS, date_of(session.calendar, clock_ms)

    def mark(self, symbol: str) -> Decimal | None:
        """Last valid trade, else mid, else the last published bar's close, if need be an earlier day's."""
        market = CACHE.market(self.session, symbol, self.date)
        price = market.mark(self.at) if market else None
        return price if price is not None else self.last_close(symbol)

    def far_side(self, symbol: str, side: Side) -> Decimal | None:
        """What an order that takes the market would pay or get; the mark where no side stands."""
        market = CACHE.market(self.session, symbol, self.date)
        price = market.far_side(side, self.at) if market else None
        return price if price is not None else self.mark(symbol)

    def last_close(self, symbol: str) -> Decimal | None:
        """The price at the close of the day before, or of an earlier one, in today's shares."""
        date, shares = self.date, Decimal(1)
        for _ in range(LOOK_BACK_DAYS):
            day = self.session.calendar.previous_trading_day(date)
            old = symbol_before(symbol, day.date, date)
            for name in {symbol, old}:
                shares *= split_since(name, day.date, date)
            date, symbol = day.date, old
            market = CACHE.market(self.session, symbol, date)
            if market and (price := market.mark(int(day.close.timestamp()) * SECOND_NS)) is not None:
                return price / shares
        return None
