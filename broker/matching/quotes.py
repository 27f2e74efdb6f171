"""Orders against the best bid and offer: each displayed unit once, a resting limit at its limit."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from broker.matching.auctions import Auctions
from broker.matching.best_sides import BestSides, Displayed
from broker.matching.day import PRINT, DayData, Fills, Look, Met, StandsStill, exact, first, requested, whole
from broker.matching.orders import ZERO, Order
from broker.matching.prints import Prints
from broker.matching.terms import AT_ONCE, AUCTIONS, STOPS, Basis, OrderType, Profile, Side, Terms, TimeInForce
from marketdata.units import SECOND_NS

QUOTE = 0
"""The phase of quotes: at one stamp they come before trades."""


class QuoteMarket(StandsStill):
    """A day with quotes, and trades where the store has them."""

    def __init__(self, day: DayData, terms: Terms) -> None:
        assert day.quotes is not None
        self.day, self.terms = day, terms
        self.prints = Prints(day, terms) if day.trades is not None and len(day.trades) else None
        self.auctions = Auctions(day, terms, self.prints)
        self.market = BestSides(day.quotes, day.open_ns, day.by_exchange, int(terms.stale_seconds * SECOND_NS))
        self.at, self.best = self.market.at, self.market.best
        self.taken: dict[tuple[Side, Decimal, int], tuple[int, Decimal]] = {}

    # --- what stands --------------------------------------------------------------------------------

    def far_side(self, side: Side, at: int) -> Decimal | None:
        standing = self.market.standing(side, at)
        return standing[0].price if standing else None

    def follow(self, order: Order, at: int) -> bool:
        prints = self.prints
        return prints is not None and prints.raise_mark(order, prints.after(order.arrival), prints.after(at))

    def mark(self, at: int) -> Decimal | None:
        """The last valid trade, whatever its age; else the newest mid; else the last bar's close."""
        if self.prints and (last := self.prints.last(at)) is not None:
            return last
        mid = self.market.mid(at)
        return self.day.last_close(at) if mid is None else mid

    # --- when to look -------------------------------------------------------------------------------

    def next_look(self, order: Order, after: Look | None) -> Look | None:
        if order.time_in_force in AUCTIONS:
            return self.auctions.next_look(order, after)
        if after is None and self._looks_at_arrival(order):
            at = max(order.arrival, self.day.begin_ns)
            return Look(at, at, QUOTE, 0, self.market.instant(at))
        start = order.arrival if after is None else after.at
        looks = [self._next_quote(order, start), self._next_trade(order, start, after)]
        return min((look for look in looks if look), default=None)

    @staticmethod
    def _looks_at_arrival(order: Order) -> bool:
        return order.elected or order.type not in STOPS

    def _next_quote(self, order: Order, after: int) -> Look | None:
        start = int(np.searchsorted(self.at, after, "right"))
        far, found = self.best[order.side], None
        if (order.trigger is not None and not order.elected) or self._no_mark(order):
            if not self.prints:
                found = self._first_electing(order, start)
        elif order.bound is None or not order.looked:
            found = first(~np.isnan(far), start)
        else:
            reached = far <= float(order.bound) if order.side is Side.BUY else far >= float(order.bound)
            found = first(reached, start)
        return None if found is None else Look(int(self.at[found]), int(self.at[found]), QUOTE, 0, found)

    @staticmethod
    def _no_mark(order: Order) -> bool:
        return order.type is OrderType.TRAILING_STOP and order.hwm is None

    def _first_electing(self, order: Order, start: int) -> int | None:
        """Without trades, stops are elected by the bid (sell) or the ask (buy); trailing ones look at each."""
        near = self.best[order.side]
        if order.type is OrderType.TRAILING_STOP:
            return first(~np.isnan(near), start)
        assert order.stop_price is not None
        price = float(order.stop_price)
        return first(near >= price if order.side is Side.BUY else near <= price, start)

    def _next_trade(self, order: Order, start: int, after: Look | None) -> Look | None:
        if not self.prints:
            return None
        index = self.prints.after(order.arrival)
        if after is not None and after.phase == QUOTE:  # a trade of the quote's own stamp comes after it
            index = max(index, int(np.searchsorted(self.prints.at, start, "left")))
        elif after is not None:
            index = after.row + 1
        found: int | None
        if (order.trigger is not None and not order.elected) or self._no_mark(order):
            found = self._electing_trade(order, index)
        elif order.limit_price is None or not order.looked:
            found = None
        else:
            found = self.prints.crossing(order.side, order.limit_price, index, strictly=True)
        if found is None or found >= len(self.prints.at):
            return None
        return self.prints.look(found)

    def _electing_trade(self, order: Order, index: int) -> int | None:
        assert self.prints
        if order.type is OrderType.TRAILING_STOP:
            if order.hwm is None:
                return index
            found = self.prints.trail(order, index)
            return None if found is None else index + found
        assert order.stop_price is not None
        return self.prints.crossing(order.side.other, order.stop_price, index, strictly=False)

    # --- what comes of it ---------------------------------------------------------------------------

    def look(self, order: Order, look: Look, fills: Fills) -> None:
        if order.time_in_force in AUCTIONS:
            self.auctions.meet(order, look, fills)
        elif (order.trigger is None and not self._no_mark(order)) or order.elected:
            self._meet(order, look, fills)
        elif self._elected(order, look, fills):
            self._meet(order, look._replace(phase=QUOTE), fills)

    def _elected(self, order: Order, look: Look, fills: Fills) -> bool:
        price = self._seen(order, look)
        if order.hwm is None and order.type is OrderType.TRAILING_STOP:
            order.hwm = price
            fills.raised(order)
            return False
        if order.type is OrderType.TRAILING_STOP and self.prints:
            self.prints.raise_mark(order, self.prints.after(order.arrival), look.row)
        trigger, sign = order.trigger, order.side.sign
        assert trigger is not None
        if sign * price >= sign * trigger:
            order.elected = True
            return True
        if order.type is OrderType.TRAILING_STOP and order.hwm is not None and sign * price < sign * order.hwm:
            order.hwm = price
            fills.raised(order)
        return False

    def _seen(self, order: Order, look: Look) -> Decimal:
        if look.phase == PRINT and self.prints:
            return exact(self.prints.price[look.row])
        return exact(self.best[order.side][look.row])

    def _meet(self, order: Order, look: Look, fills: Fills) -> None:
        if look.phase == PRINT:
            assert self.prints and order.bound is not None
            self.prints.take(order, look, look.row, order.bound, fills)
            return
        standing, sign = self.market.standing(order.side, look.at), order.side.sign
        if standing:
            price, resting, order.looked = standing[0].price, order.rests, True
            if order.bound is None or sign * price <= sign * order.bound:
                worst = order.limit_price if resting and order.limit_price is not None else price
                self._take(order, look, standing, worst, fills)
        if order.time_in_force in AT_ONCE and order.works:
            fills.give_up(order, look)

    def _take(self, order: Order, look: Look, standing: list[Displayed], price: Decimal, fills: Fills) -> None:
        """One execution for each quote met, all of them at the best price."""
        rooms = [self._room(order, quote) for quote in standing]
        total = None if None in rooms else sum((room for room in rooms if room is not None), ZERO)
        if order.time_in_force is TimeInForce.FOK and total is not None and total < requested(order, price):
            return
        for quote, room in zip(standing, rooms, strict=True):
            asked = requested(order, price)
            qty = fills.partial(order, asked if room is None else min(asked, room))
            if qty > 0:
                key = order.side, quote.price, quote.key
                self.taken[key] = quote.row, self._taken(order.side, quote) + qty
                fills.fill(order, qty, price, Met(look._replace(at=quote.since), Basis.QUOTE, quote.price, quote.size))
            if not order.works or room is None:
                return

    def _room(self, order: Order, quote: Displayed) -> Decimal | None:
        """Shares that the account may still take of a quote; None for any number."""
        if quote.size is None or self.terms.profile is Profile.PAPER:
            return None
        return max(ZERO, whole(quote.size - self._taken(order.side, quote), order))

    def _taken(self, side: Side, quote: Displayed) -> Decimal:
        """How much of what the account took of a quote still counts: at most the least size shown there since."""
        row, qty = self.taken.get((side, quote.price, quote.key), (quote.row, ZERO))
        least = self.market.sides[side].least_shown(quote.key, quote.price, row, quote.row)
        return qty if least is None else min(qty, least)
