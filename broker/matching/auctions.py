"""The open and the close of a day that has trades or quotes.

Orders meet the official print, else the first or last bar, else the first or last valid trade.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from broker.matching.conditions import CLOSING, OPENING, official
from broker.matching.day import PRINT, DayData, Fills, Look, Met, exact, requested, whole
from broker.matching.orders import ZERO, Order
from broker.matching.prints import Prints
from broker.matching.terms import Basis, Profile, Terms, TimeInForce
from marketdata.columns import TickColumns
from marketdata.units import MINUTE_NS


@dataclass(frozen=True, slots=True, eq=False)
class Print:
    """What an auction's orders meet, the first of them known at an instant."""

    price: Decimal
    size: Decimal | None
    at: int
    known: int
    pool: dict[int, Decimal]
    key: int
    turn: int
    """Among the prints of its stamp: auctions and others meet it by arrival."""


class Auctions:
    """Both auctions of one day, under one account."""

    def __init__(self, day: DayData, terms: Terms, prints: Prints | None) -> None:
        self.day, self.terms, self.prints = day, terms, prints
        self.bars_taken: dict[int, Decimal] = {}
        self.late_taken: dict[int, Decimal] = {}
        self.found: dict[bool, Print | None] = {}

    def next_look(self, order: Order, after: Look | None) -> Look | None:
        opening = order.time_in_force is TimeInForce.OPG
        if after is not None or self.day.outside or (opening and order.arrival > self.day.open_ns):
            return None
        met = self._print(opening)
        return None if met is None else Look(met.known, met.at, PRINT, met.turn, 0)

    def meet(self, order: Order, look: Look, fills: Fills) -> None:
        met = self._print(order.time_in_force is TimeInForce.OPG)
        assert met is not None
        sign = order.side.sign
        if order.bound is None or sign * met.price <= sign * order.bound:
            asked, room = requested(order, met.price), self._room(order, met)
            qty = asked if room is None else min(asked, room)
            if qty > 0:
                met.pool[met.key] = met.pool.get(met.key, ZERO) + qty
                fills.fill(order, qty, met.price, Met(look, Basis.AUCTION, met.price, met.size))
        if order.works:
            fills.give_up(order, look)

    def _room(self, order: Order, met: Print) -> Decimal | None:
        if met.size is None or self.terms.profile is Profile.PAPER:
            return None
        return max(ZERO, whole(self.terms.participation * met.size - met.pool.get(met.key, ZERO), order))

    def _print(self, opening: bool) -> Print | None:
        if opening not in self.found:
            sources: tuple[Callable[[bool], Print | None], ...] = (self._official, self._bar, self._valid_trade)
            self.found[opening] = next((met for source in sources if (met := source(opening))), None)
        return self.found[opening]

    def _official(self, opening: bool) -> Print | None:
        """The official print. The closing one may have a stamp after the close: it is reported with the close."""
        sources: list[tuple[TickColumns, dict[int, Decimal]]] = []
        if self.prints is not None:
            sources.append((self.prints.all, self.prints.taken))
        if not opening and self.day.late_trades is not None:
            sources.append((self.day.late_trades, self.late_taken))
        for name in OPENING if opening else CLOSING:
            found = [(trades, official(trades, name), pool) for trades, pool in sources]
            met = [self._of_row(trades, row, pool, opening) for trades, row, pool in found if row is not None]
            if met:
                return max(met, key=lambda each: each.size or ZERO)
        return None

    def _of_row(self, trades: TickColumns, row: int, pool: dict[int, Decimal], opening: bool) -> Print:
        at, size = int(self.day.open_ns + trades.at[row]), float(trades.value("size")[row])
        known = at if opening else self.day.close_ns
        units = None if np.isnan(size) else exact(size)
        return Print(exact(trades.value("price")[row]), units, at, known, pool, row, row)

    def _bar(self, opening: bool) -> Print | None:
        bars = self.day.bars
        if bars is None or not len(bars):
            return None
        row = 0 if opening else len(bars) - 1
        price, volume = (bars.open if opening else bars.close)[row], float(bars.volume[row])
        end = int(self.day.bar_ends[row])
        at, known = (end - MINUTE_NS, end) if opening else (end, self.day.close_ns)
        return Print(exact(price), None if np.isnan(volume) else exact(volume), at, known, self.bars_taken, row, 0)

    def _valid_trade(self, opening: bool) -> Print | None:
        if self.prints is None or not len(self.prints.rows):
            return None
        row = int(self.prints.rows[0 if opening else -1])
        return self._of_row(self.prints.all, row, self.prints.taken, opening)
