"""Orders against bars alone: an open, a range, a close - and never the bar that was just seen."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Final

import numpy as np

from broker.matching.day import DayData, Fills, Look, Met, StandsStill, exact, first, requested, whole
from broker.matching.orders import ZERO, Order, tick_of
from broker.matching.terms import AT_ONCE, Basis, OnBars, OrderType, Profile, Role, Side, Terms, TimeInForce
from marketdata.gaps import GAP_LETTERS
from marketdata.units import MINUTE_NS

OPEN, RANGE, CLOSE = 0, 1, 2
TOLERANCE: Final = 1e-9
"""Relative, of the search by floats: what it finds is looked at again in decimals."""


class BarMarket(StandsStill):
    """The account's orders share `participation` of each bar's volume."""

    silent = tuple(GAP_LETTERS)
    """Absent, missing, halted: there is no bar to meet."""

    def __init__(self, day: DayData, terms: Terms) -> None:
        assert day.bars is not None
        self.day, self.terms, self.bars = day, terms, day.bars
        self.ends = day.bar_ends
        self.taken: defaultdict[int, Decimal] = defaultdict(Decimal)

    # --- when to look -------------------------------------------------------------------------------

    def next_look(self, order: Order, after: Look | None) -> Look | None:
        index, phase = self._begin(order) if after is None else (after.row, after.phase + 1)
        if order.time_in_force is TimeInForce.CLS:
            return self._closing(after)
        if order.time_in_force is TimeInForce.OPG:
            return self._look(0, OPEN) if after is None and order.arrival <= self.day.open_ns else None
        if self._at_close(order):
            return self._look(index if phase <= CLOSE else index + 1, CLOSE)
        if order.type is OrderType.TRAILING_STOP and not order.elected:
            return self._look(index, phase) if phase <= RANGE else self._look(index + 1, OPEN)
        if phase == RANGE:
            if self._range_may(order, index):
                return self._look(index, RANGE)
            phase = CLOSE
        found = self._search(order, index if phase == OPEN else index + 1)
        return None if found is None else self._look(found, OPEN)

    def _closing(self, after: Look | None) -> Look | None:
        """Which bar is the last is known at the close."""
        if after is not None or not len(self.bars):
            return None
        return Look(self.day.close_ns, int(self.ends[-1]) - 1, CLOSE, 0, len(self.bars) - 1)

    def _begin(self, order: Order) -> tuple[int, int]:
        """The first bar that begins at the arrival or later; an exit of this bar's open meets its range."""
        index = int(np.searchsorted(self.ends - MINUTE_NS, order.arrival))
        if self._at_close(order) and index and self.ends[index - 1] == order.arrival:
            return index - 1, CLOSE
        return index, RANGE if order.exit_of_bar else OPEN

    def _at_close(self, order: Order) -> bool:
        return (
            self.terms.on_bars is OnBars.LAST_CLOSE
            and order.type is OrderType.MARKET
            and order.time_in_force not in AT_ONCE
        )

    def _look(self, index: int, phase: int) -> Look | None:
        if index >= len(self.bars):
            return None
        end = int(self.ends[index])
        return Look(end, end - 1 if phase == CLOSE else end - MINUTE_NS, phase, 0, index)

    def _search(self, order: Order, start: int) -> int | None:
        """The first bar whose open or range may do something, by floats."""
        if start >= len(self.bars):
            return None
        if order.type is OrderType.MARKET or order.time_in_force in AT_ONCE:
            return start
        price = self._threshold(order)
        if price is None:
            return start
        limits = order.type is OrderType.LIMIT or order.elected
        if (order.side is Side.BUY) == limits:
            return first(self.bars.low <= float(price) * (1 + TOLERANCE), start)
        return first(self.bars.high >= float(price) * (1 - TOLERANCE), start)

    def _range_may(self, order: Order, index: int) -> bool:
        return index < len(self.bars) and order.type is not OrderType.MARKET and order.time_in_force not in AT_ONCE

    @staticmethod
    def _threshold(order: Order) -> Decimal | None:
        """What the price must come to; None for whatever takes the next open."""
        return order.bound if order.type is OrderType.LIMIT or order.elected else order.trigger

    # --- what comes of it ---------------------------------------------------------------------------

    def look(self, order: Order, look: Look, fills: Fills) -> None:
        if look.phase == OPEN:
            self._meet_open(order, look, fills)
        elif look.phase == RANGE:
            self._meet_range(order, look, fills)
        elif order.time_in_force is TimeInForce.CLS:
            self._meet_auction(order, look._replace(at=look.at + 1), exact(self.bars.close[look.row]), fills)
        else:
            price = exact(self.bars.close[look.row])
            price += order.side.sign * self.terms.slippage * tick_of(price)
            self._take(order, look._replace(at=look.at + 1), price, Basis.LAST_CLOSE, fills)

    def _meet_auction(self, order: Order, look: Look, price: Decimal, fills: Fills) -> None:
        if order.bound is None or order.side.sign * price <= order.side.sign * order.bound:
            self._take(order, look, price, Basis.AUCTION, fills)
        if order.works:
            fills.give_up(order, look)

    def _meet_open(self, order: Order, look: Look, fills: Fills) -> None:
        price, sign = exact(self.bars.open[look.row]), order.side.sign
        order.looked = True
        if order.time_in_force is TimeInForce.OPG:
            self._meet_auction(order, look, price, fills)
            return
        if order.type is OrderType.TRAILING_STOP and order.hwm is None:
            order.hwm = price
            fills.raised(order)
            return
        trigger = order.trigger
        if trigger is not None and not order.elected:
            if sign * price < sign * trigger:
                return
            order.elected = True
        if order.bound is None or sign * price <= sign * order.bound:
            self._take(order, look, price, Basis.BAR_OPEN, fills)
        if order.time_in_force in AT_ONCE and order.works:
            fills.give_up(order, look)

    def _meet_range(self, order: Order, look: Look, fills: Fills) -> None:
        if order.time_in_force in AT_ONCE or order.type is OrderType.MARKET:
            return
        order.looked = True
        if order.trigger is not None and not order.elected:
            self._try_stop(order, look, fills)
        elif order.bound is not None:
            self._try_limit(order, look, fills)

    def _try_limit(self, order: Order, look: Look, fills: Fills) -> None:
        assert order.bound is not None
        if order.role is Role.TAKE_PROFIT and fills.stop_elects(order, look):
            return
        if self._comes_back(order, look.row):
            self._take(order, look, order.bound, Basis.BAR_RANGE, fills)

    def _try_stop(self, order: Order, look: Look, fills: Fills) -> None:
        trigger, sign = order.trigger, order.side.sign
        assert trigger is not None
        if self.range_elects(order, look.row):
            order.elected, order.elected_in = True, look.row
            price = trigger + sign * self.terms.slippage * order.tick
            if order.bound is not None:
                if sign * trigger > sign * order.bound:
                    return
                price = min(price, order.bound, key=lambda each: sign * each)
            self._take(order, look, price, Basis.BAR_RANGE, fills)
        elif order.type is OrderType.TRAILING_STOP:
            assert order.hwm is not None
            back = self._back(order.side, look.row)
            if sign * back < sign * order.hwm:
                order.hwm = back
                fills.raised(order)

    def elects(self, order: Order, look: Look) -> bool:
        """Whether this bar's range elects a stop that meets it, or fills one that the open has elected at its limit."""
        if self._begin(order) > (look.row, RANGE):
            return False
        return self.range_elects(order, look.row) or self._comes_back(order, look.row)

    def _comes_back(self, order: Order, index: int) -> bool:
        """Whether the bar's range passes the limit of an order that rests at it, and the open was not at it already."""
        if order.bound is None or order.elected_in == index or (order.trigger is not None and not order.elected):
            return False
        sign = order.side.sign
        if self._begin(order) != (index, RANGE) and sign * exact(self.bars.open[index]) <= sign * order.bound:
            return False
        return sign * self._back(order.side, index) <= sign * order.bound - self.terms.penetration * order.tick

    def range_elects(self, order: Order, index: int) -> bool:
        """Whether the bar's range reaches a stop that was not elected before."""
        trigger, sign = order.trigger, order.side.sign
        if order.elected or trigger is None:
            return False
        return sign * self._back(order.side.other, index) >= sign * trigger

    def _back(self, side: Side, index: int) -> Decimal:
        """The best price for that side: the low for buyers."""
        return exact(self.bars.low[index] if side is Side.BUY else self.bars.high[index])

    def _take(self, order: Order, look: Look, price: Decimal, basis: Basis, fills: Fills) -> None:
        """Fill as much as the bar has left; a fill-or-kill order gets all or nothing."""
        asked = requested(order, price)
        room = self._room(order, look.row)
        qty = asked if room is None else min(asked, room)
        if order.time_in_force is TimeInForce.FOK and qty < asked:
            return
        qty = fills.partial(order, qty)
        if qty <= 0:
            return
        self.taken[look.row] += qty
        fills.fill(order, qty, price, Met(look, basis, self._met_price(order, look, basis), self._volume(look.row)))

    def _met_price(self, order: Order, look: Look, basis: Basis) -> Decimal:
        """The bar's open or close, or how far its range goes towards the order."""
        if basis is Basis.BAR_RANGE:
            elected_here = order.elected and order.elected_in == look.row
            return self._back(order.side.other if elected_here else order.side, look.row)
        return exact((self.bars.open if look.phase == OPEN else self.bars.close)[look.row])

    def _room(self, order: Order, index: int) -> Decimal | None:
        """Shares that the account may still take; None for any number."""
        volume = self._volume(index)
        if volume is None or self.terms.profile is Profile.PAPER:
            return None
        return max(ZERO, whole(self.terms.participation * volume - self.taken[index], order))

    def _volume(self, index: int) -> Decimal | None:
        volume = float(self.bars.volume[index])
        return None if np.isnan(volume) else exact(volume)

    def follow(self, order: Order, at: int) -> bool:
        """It looks at every bar as it is."""
        return False

    # --- prices -------------------------------------------------------------------------------------

    def mark(self, at: int) -> Decimal | None:
        return self.day.last_close(at)

    def far_side(self, side: Side, at: int) -> Decimal | None:
        return self.mark(at)
