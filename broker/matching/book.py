"""The book: an account's open orders against the market's days, in the order in which things become known.

What is known up to an instant is worked through in one go: how often, and in what steps, changes nothing.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Protocol

from broker.matching import groups, night
from broker.matching.bars import BarMarket
from broker.matching.day import Look, Market, Met
from broker.matching.looks import NOTICE, Looks, Waiting
from broker.matching.lots import Position
from broker.matching.open_span import OpenSpan
from broker.matching.orders import Order
from broker.matching.state import Event, Execution, State
from broker.matching.terms import AT_ONCE, AUCTIONS, EventKind, OrderType, Profile, Side, Status, Terms, TimeInForce
from marketdata.units import MILLISECOND_NS

PARTIAL_SHARE = 0.1
"""The share of the eligible fills that the profile `paper` makes partial."""


class Act(Protocol):
    """A request that takes effect at its arrival."""

    def apply(self, book: Book, arrival: int) -> None: ...

    def brings(self, book: Book) -> list[Order]:
        """Its new orders, as they are shown before it arrives."""


class Book:
    """Call `begin_day`, then `advance` and `act`; `take_events` gives what came of it since the last call."""

    def __init__(
        self,
        state: State,
        terms: Terms,
        market: Callable[[str], Market | None],
        clock: Callable[[int], int] = lambda known: -(-known // MILLISECOND_NS),
    ) -> None:
        """`market`: a symbol's market of the current day; `clock`: the frame (ms) with which an instant goes out."""
        self.state, self.terms, self.market, self.clock = state, terms, market, clock
        self.span: OpenSpan | None = None
        self.now = 0
        self.events: list[Event] = []
        self.touched: dict[str, Order] = {}
        self.looks = Looks()
        self.acts: list[tuple[int, int, Act]] = []

    # --- the day ------------------------------------------------------------------------------------

    def plays(self, order: Order) -> bool:
        """Whether the market is open for it."""
        return self.span is not None and self.now < self.span.close_ns and self.meets(order)

    def meets(self, order: Order) -> bool:
        """Whether the session that is played, up to its close, is one that it is for."""
        return self.span is not None and self.span.takes(extended_hours=order.extended_hours)

    def begin_day(self, span: OpenSpan, *, after: int | None = None) -> None:
        """Stand at a session's open, or where the account begins within it; what waited for it is now new."""
        self.span, self.now = span, max(span.open_ns, after or 0)
        self.looks = Looks()
        for order in sorted(self.state.orders.values(), key=lambda each: each.sequence):
            if self.plays(order):
                self._begin_day_of(order)

    def _begin_day_of(self, order: Order) -> None:
        order.exit_of_bar, order.elected_in = False, -1
        if order.status is Status.ACCEPTED and order.time_in_force not in AUCTIONS:
            self._say_new(order)
        if order.works:
            self.schedule(order)

    def advance(self, until: int) -> None:
        """Work through all that is known by an instant of the day, the close's expiries with it."""
        while (known := self._next()) is not None and known <= until:
            if self.acts and self.acts[0][0] == known != self.looks.next_known:
                arrival, _, act = heapq.heappop(self.acts)
                self.now = max(self.now, arrival)
                act.apply(self, arrival)
            else:
                self._look(self.looks.pop())
        self.now = max(self.now, until)
        if self.span and until >= self.span.close_ns:
            night.close(self)

    def _next(self) -> int | None:
        heads = [self.acts[0][0]] if self.acts else []
        if (known := self.looks.next_known) is not None:
            heads.append(known)
        return min(heads, default=None)

    def _look(self, waiting: Waiting) -> None:
        order, look = self.state.orders.get(waiting.order_id), waiting.look
        if order is None or not self.looks.counts(waiting) or not order.works:
            return
        market = self.market(order.symbol)
        assert market is not None
        self.now = max(self.now, look.known)
        if look.phase == NOTICE:
            self.say_waits(order, market.silence(look.known))
            return
        if not market.halted(look.at):
            market.look(order, look, self)
        elif order.time_in_force in AUCTIONS | AT_ONCE:
            self.give_up(order, look)
        if order.works and self.looks.counts(waiting):
            self.schedule(order, look)

    def follow(self) -> None:
        """Bring the marks of trailing stops up to now, for whoever shows them."""
        for order in self.state.orders.values():
            if order.type is OrderType.TRAILING_STOP and order.works and self.meets(order):
                self.follow_one(order)

    def follow_one(self, order: Order) -> None:
        market = self.market(order.symbol) if order.hwm is not None and not order.elected else None
        if market and market.follow(order, self.now):
            self.raised(order)

    # --- requests -----------------------------------------------------------------------------------

    def act(self, act: Act, arrival: int, number: int) -> None:
        """Let a request take effect at its arrival: now, or when that comes."""
        self.state.requests = number
        if arrival <= self.now:
            act.apply(self, arrival)
        else:
            heapq.heappush(self.acts, (arrival, number, act))

    def let_arrive(self) -> None:
        """What is still on its way at a day's end arrives in the night."""
        while self.acts:
            arrival, _, act = heapq.heappop(self.acts)
            act.apply(self, arrival)

    def on_their_way(self) -> list[Order]:
        """New orders that have not arrived yet."""
        return [order for _, _, act in sorted(self.acts, key=lambda each: each[1]) for order in act.brings(self)]

    def place(self, order: Order, arrival: int) -> None:
        """A new order, held where it is an exit that waits for its entry."""
        order.arrival = arrival
        self.state.orders[order.id] = order
        self.arrive(order)
        if order.status is Status.HELD:
            self.touch(order)
        elif not self.plays(order) or order.time_in_force in AUCTIONS:
            order.status = Status.ACCEPTED
            self.say(EventKind.ACCEPTED, order)
            if self.plays(order) and not (self.span and self.span.outside):
                self.schedule(order)
        else:
            self.activate(order, arrival)

    def arrive(self, order: Order) -> None:
        self.state.arrivals += 1
        order.sequence = self.state.arrivals

    def activate(self, order: Order, arrival: int) -> None:
        """From `arrival` on it meets the market."""
        order.arrival = arrival
        if order.type is OrderType.TRAILING_STOP and not order.replaces:
            mark = self.mark(order.symbol, arrival)
            order.hwm = order.hwm if mark is None else mark
        self._say_new(order)
        self.schedule(order)

    def cancel(self, order_id: str) -> None:
        if order := self.state.orders.get(order_id):
            self.end(order, Status.CANCELED)

    # --- what the market does -----------------------------------------------------------------------

    def fill(self, order: Order, qty: Decimal, price: Decimal, met: Met) -> None:
        signed = order.side.sign * qty
        position = self.state.positions.setdefault(order.symbol, Position())
        position.trade(signed, price)
        if self.terms.profile is Profile.FEES and self.span:
            self.state.fees.accrue(self.span.date, order.side, qty, price)
        held = position.qty
        if not held:
            del self.state.positions[order.symbol]
        self.state.cash -= signed * price
        self.state.executions += 1
        order.filled_qty += qty
        order.filled_value += qty * price
        order.filled_ms = self.ms
        done = self._is_filled(order, price)
        order.status = Status.FILLED if done else Status.PARTIALLY_FILLED
        execution = Execution(self.state.executions, qty, price, held, met.basis, met.price, met.size, met.look.at)
        if done:
            del self.state.orders[order.id]
        self.say(EventKind.FILL if done else EventKind.PARTIAL_FILL, order, execution)
        groups.after_fill(self, order, qty, met.look, met.basis)

    @staticmethod
    def _is_filled(order: Order, price: Decimal) -> bool:
        if order.notional is None:
            return not order.left
        return (order.notional - order.filled_value) / price < Decimal("1e-9")

    def give_up(self, order: Order, look: Look) -> None:
        self.end(order, Status.EXPIRED if order.time_in_force in AUCTIONS else Status.CANCELED)

    def partial(self, order: Order, qty: Decimal) -> Decimal:
        if self.terms.profile is not Profile.PAPER or qty < 2 or order.time_in_force is TimeInForce.FOK:
            return qty
        drawn = hashlib.sha256(f"{self.terms.seed}:{order.number}:{self.state.executions}".encode()).digest()
        chance, share = (int.from_bytes(part, "big") / 2**64 for part in (drawn[:8], drawn[8:16]))
        return Decimal(1 + int(share * int(qty - 1))) if chance < PARTIAL_SHARE else qty

    def stop_elects(self, order: Order, look: Look) -> bool:
        market = self.market(order.symbol)
        stop = groups.sibling(self, order)
        return stop is not None and stop.works and isinstance(market, BarMarket) and market.elects(stop, look)

    def raised(self, order: Order) -> None:
        self.touch(order)

    # --- orders' ends and what is said of them ------------------------------------------------------

    def end(self, order: Order, status: Status, note: str = "") -> None:
        """Close an order that was not filled, and let its group follow."""
        if order.id not in self.state.orders:
            return
        del self.state.orders[order.id]
        order.status = status
        if status is Status.EXPIRED:
            order.expired_ms = self.ms
            self.say(EventKind.EXPIRED, order, note=note)
        else:
            order.canceled_ms = self.ms
            self.say(EventKind.CANCELED, order, note=note)
            groups.after_cancel(self, order, note)

    def schedule(self, order: Order, after: Look | None = None) -> None:
        """Find out when the order is to look next."""
        self.looks.forget(order)
        market = self.market(order.symbol)
        if market is None:
            self.say_waits(order, f"waits: the store has nothing of {order.symbol} on this day")
            return
        if (look := market.next_look(order, after)) is not None:
            self.looks.push(order, look)
        if after is None and not order.waited and order.time_in_force not in AUCTIONS:
            assert self.span
            if (end := market.silent_minute(max(order.arrival, self.span.open_ns))) is not None:
                self.looks.push(order, Look(end, end, NOTICE, 0, 0))

    def say_waits(self, order: Order, why: str) -> None:
        """Once in an order's life."""
        if not order.waited:
            order.waited = True
            self.say(EventKind.RESTATED, order, note=why)

    def _say_new(self, order: Order) -> None:
        order.status = Status.NEW
        self.say(EventKind.NEW, order)

    def say(self, kind: EventKind, order: Order, execution: Execution | None = None, note: str = "") -> None:
        if order.type is OrderType.TRAILING_STOP and self.meets(order):
            self.follow_one(order)
        order.updated_ms = self.ms
        self.state.events += 1
        self.events.append(Event(self.state.events, kind, self.ms, order.as_payload(), execution, note))
        self.touch(order)

    def touch(self, order: Order) -> None:
        self.touched[order.id] = order

    @property
    def ms(self) -> int:
        """The clock with which what happens now goes out."""
        return self.clock(self.now)

    def take_events(self) -> tuple[list[Event], Mapping[str, Order]]:
        """What was said since the last call, and the orders that have changed."""
        taken = self.events, self.touched
        self.events, self.touched = [], {}
        return taken

    def mark(self, symbol: str, at: int) -> Decimal | None:
        market = self.market(symbol)
        return market.mark(at) if market else None

    def far_side(self, symbol: str, side: Side) -> Decimal | None:
        market = self.market(symbol)
        return market.far_side(side, self.now) if market else None
