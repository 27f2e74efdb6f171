"""Orders against prints: each valid trade after the arrival, `participation` of its size."""

from __future__ import annotations

from decimal import Decimal

from broker.matching.auctions import Auctions
from broker.matching.day import PRINT, DayData, Fills, Look, StandsStill, exact
from broker.matching.orders import Order
from broker.matching.prints import Prints
from broker.matching.terms import AT_ONCE, AUCTIONS, OrderType, Side, Terms

MISSED = -1


class TradeMarket(StandsStill):
    """A day that has trades and no quotes."""

    def __init__(self, day: DayData, terms: Terms) -> None:
        self.day, self.terms, self.prints = day, terms, Prints(day, terms)
        self.auctions = Auctions(day, terms, self.prints)

    def next_look(self, order: Order, after: Look | None) -> Look | None:
        if order.time_in_force in AUCTIONS:
            return self.auctions.next_look(order, after)
        start = self.prints.after(order.arrival) if after is None else after.row + 1
        if after is None and not order.looked:
            self._first_look(order, order.arrival)
            if self._has_missed(order):
                return Look(order.arrival, order.arrival, PRINT, 0, MISSED)
        if order.type is OrderType.TRAILING_STOP and not order.elected:
            if order.hwm is None:
                return self._look(start)
            found = self.prints.trail(order, start)
            return self._look(None if found is None else start + found)
        return self._look(self._search(order, start))

    def _first_look(self, order: Order, at: int) -> None:
        """Whether a limit is marketable against the last trade of its day."""
        last = self.prints.last(at)
        if last is not None:
            order.looked = True
            order.like_market = order.bound is None or order.side.sign * last <= order.side.sign * order.bound

    @staticmethod
    def _has_missed(order: Order) -> bool:
        """Whether its one look, at a market for which its limit is not good, is over already."""
        return order.time_in_force in AT_ONCE and order.bound is not None and not order.like_market

    def _look(self, index: int | None) -> Look | None:
        if index is None or index >= len(self.prints.at):
            return None
        return self.prints.look(index)

    def _search(self, order: Order, start: int) -> int | None:
        trigger = order.trigger
        if trigger is not None and not order.elected:
            return self.prints.crossing(order.side.other, trigger, start, strictly=False)
        if order.time_in_force in AT_ONCE or order.type is OrderType.MARKET or not order.looked:
            return start
        if order.bound is None or order.like_market:
            return start
        if order.limit_price is None:
            return self.prints.crossing(order.side, order.bound, start, strictly=False)
        return self.prints.crossing(order.side, order.bound, start, strictly=True)

    def look(self, order: Order, look: Look, fills: Fills) -> None:
        if order.time_in_force in AUCTIONS:
            self.auctions.meet(order, look, fills)
            return
        if look.row == MISSED:
            fills.give_up(order, look)
            return
        price, sign = exact(self.prints.price[look.row]), order.side.sign
        if order.type is OrderType.TRAILING_STOP and not order.elected and order.hwm is None:
            order.hwm = price
            fills.raised(order)
            return
        trigger = order.trigger
        if trigger is not None and not order.elected:
            self._elect(order, look, price, fills)
            return
        if not order.looked and order.time_in_force not in AT_ONCE and order.type is not OrderType.MARKET:
            order.looked = True
            order.like_market = order.bound is None or sign * price <= sign * order.bound
            return
        self._meet(order, look, price, fills)

    def _elect(self, order: Order, look: Look, price: Decimal, fills: Fills) -> None:
        """The next valid trade fills it: the election is its arrival, and this trade its first look."""
        if order.type is OrderType.TRAILING_STOP:
            self.prints.raise_mark(order, self.prints.after(order.arrival), look.row)
            if order.side.sign * price < order.side.sign * (order.trigger or price):
                return
        fills.arrive(order)
        order.elected = order.looked = True
        order.like_market = order.bound is None or order.side.sign * price <= order.side.sign * order.bound

    def _meet(self, order: Order, look: Look, price: Decimal, fills: Fills) -> None:
        sign, bound = order.side.sign, order.bound
        capped = order.limit_price is None or order.like_market
        if bound is None or (capped and sign * price <= sign * bound):
            self.prints.take(order, look, look.row, price, fills)
        elif order.like_market:
            order.like_market = False
        elif sign * price < sign * bound:
            self.prints.take(order, look, look.row, bound, fills)
        if order.time_in_force in AT_ONCE and order.works:
            fills.give_up(order, look)

    def follow(self, order: Order, at: int) -> bool:
        prints = self.prints
        return prints.raise_mark(order, prints.after(order.arrival), prints.after(at))

    def mark(self, at: int) -> Decimal | None:
        last = self.prints.last(at)
        return self.day.last_close(at) if last is None else last

    def far_side(self, side: Side, at: int) -> Decimal | None:
        return self.prints.last(at)
