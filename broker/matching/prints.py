"""A day's valid trades, and how much of each an account has taken."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from broker.matching.conditions import valid
from broker.matching.day import PRINT, DayData, Fills, Look, Met, exact, first, requested, whole
from broker.matching.orders import ZERO, Order
from broker.matching.terms import Basis, Profile, Side, Terms, TimeInForce
from marketdata.columns import Floats, Ints


class Prints:
    """A day's valid trades, and how much of each the account has taken."""

    def __init__(self, day: DayData, terms: Terms) -> None:
        assert day.trades is not None
        self.day, self.terms, self.all = day, terms, day.trades
        good = valid(self.all, regular=not day.outside)
        self.at: Ints = day.open_ns + self.all.at[good]
        self.price: Floats = self.all.value("price")[good]
        self.size: Floats = self.all.value("size")[good]
        self.rows: NDArray[np.intp] = np.flatnonzero(good)
        self.taken: defaultdict[int, Decimal] = defaultdict(Decimal)
        """By the row among all trades: a print is one pool, for auctions too."""

    def after(self, at: int) -> int:
        return int(np.searchsorted(self.at, at, "right"))

    def look(self, index: int) -> Look:
        at = int(self.at[index])
        return Look(at, at, PRINT, int(self.rows[index]), index)

    def last(self, at: int) -> Decimal | None:
        index = self.after(at) - 1
        return exact(self.price[index]) if index >= 0 else None

    def room(self, order: Order, index: int) -> Decimal | None:
        """Shares that the account may still take of a print; None for any number."""
        if self.terms.profile is Profile.PAPER or np.isnan(self.size[index]):
            return None
        return max(
            ZERO, whole(self.terms.participation * exact(self.size[index]) - self.taken[int(self.rows[index])], order)
        )

    def take(self, order: Order, look: Look, index: int, price: Decimal, fills: Fills) -> None:
        asked, room = requested(order, price), self.room(order, index)
        qty = asked if room is None else min(asked, room)
        if order.time_in_force is TimeInForce.FOK and qty < asked:
            return
        qty = fills.partial(order, qty)
        if qty > 0:
            self.taken[int(self.rows[index])] += qty
            size = None if np.isnan(self.size[index]) else exact(self.size[index])
            met = Met(look._replace(at=int(self.at[index])), Basis.TRADE, exact(self.price[index]), size)
            fills.fill(order, qty, price, met)

    def crossing(self, side: Side, price: Decimal, start: int, *, strictly: bool) -> int | None:
        """The first trade from `start` on that is better for that side than a price, or at it."""
        bound = float(price)
        if side is Side.BUY:
            return first(self.price < bound if strictly else self.price <= bound, start)
        return first(self.price > bound if strictly else self.price >= bound, start)

    def trail(self, order: Order, start: int) -> int | None:
        """The first trade that elects a trailing stop; its mark follows the trades before."""
        if start >= len(self.price):
            return None
        assert order.hwm is not None
        prices = self.price[start:]
        sign = order.side.sign
        peaks = np.minimum.accumulate(sign * np.concatenate([[float(order.hwm)], prices]))[:-1] * sign
        if order.trail_price is not None:
            stops = peaks + sign * float(order.trail_price)
        else:
            stops = peaks * (1 + sign * float(order.trail_percent or 0) / 100)
        return first(sign * prices >= sign * stops - 1e-9 * np.abs(stops), 0) if len(prices) else None

    def raise_mark(self, order: Order, start: int, end: int) -> bool:
        """Let a trailing stop's mark follow the trades of these rows; whether it moved."""
        if end <= start or order.hwm is None:
            return False
        rows = self.price[start:end]
        best = exact(rows.min() if order.side is Side.BUY else rows.max())
        if order.side.sign * best < order.side.sign * order.hwm:
            order.hwm = best
            return True
        return False
