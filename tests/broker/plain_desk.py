"""Orders taken, replaced, canceled and filled; what each of them looks at, `by_the_pages` says."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any

from broker.matching.acts import Cancel, Place, Replace
from broker.matching.book import Act
from tests.broker.plain_tape import PlainTape
from tests.broker.working_orders import ZERO, Working

Fill = tuple[str, Decimal, Decimal, str]
"""Order, shares, price, basis."""


@dataclass(eq=False)
class Desk(PlainTape):
    """The working orders of a day; `turns` counts who is next among them."""

    orders: list[Working] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    turns: int = 0
    now: int = 0

    def ready(self) -> list[Working]:
        return sorted((o for o in self.orders if not o.held), key=lambda o: o.turn)

    def request(self, act: Act) -> None:
        if isinstance(act, Place):
            self.place(*map(Working.of, act.orders))
        elif isinstance(act, Cancel):
            for o in [o for o in self.orders if o.id in act.order_ids]:
                self.cancel(o)
        elif isinstance(act, Replace):
            old = next((o for o in self.orders if o.id == act.order_id), None)
            if old is None:
                return
            new = Working.of(act.order)
            new.qty = new.qty or old.left
            new.carried, new.hwm, new.held = old.carried + old.filled, old.hwm, old.held
            self.orders.remove(old)
            self.place(new)

    def place(self, *made: Working) -> None:
        for o in made:
            self.orders.append(o)
            self.turns += 1
            o.arrival, o.turn = self.now, self.turns
        for o in made:
            if not o.held:
                self.activate(o, self.now)

    def activate(self, o: Working, arrival: int) -> None:
        o.arrival, o.held = arrival, False
        if o.type == "trailing_stop" and not o.replaces:
            o.hwm = self.mark(arrival)
        self.stands_before(o)

    def cancel(self, o: Working) -> None:
        if o in self.orders:
            self.orders.remove(o)
            for other in [each for each in self.orders if o.group and each.group == o.group]:
                self.orders.remove(other)

    def room(self, o: Working, size: Decimal, pool: Any) -> Decimal:
        share = (self.rules.participation * size).to_integral_value(ROUND_DOWN)
        return min(o.left, max(ZERO, share - self.taken.get(pool, ZERO)))

    def fill(self, o: Working, qty: Decimal, price: Decimal, basis: str, pool: Any, bar: int = -1) -> None:
        if (o.tif == "fok" and qty < o.left) or qty <= 0:
            return
        self.taken[pool] = self.taken.get(pool, ZERO) + qty
        o.filled += qty
        self.fills.append((o.id, qty, price, basis))
        others = [each for each in self.orders if o.group and each.group == o.group and each is not o]
        if not o.left:
            self.orders.remove(o)
        if o.role == "entry" and not o.left:
            for exit_order in sorted(others, key=lambda each: each.number):
                if exit_order.held and exit_order in self.orders:
                    exit_order.qty = o.carried + o.filled
                    self.turns += 1
                    exit_order.turn = self.turns
                    at_open = basis == "bar_open"
                    exit_order.exit_of = bar if at_open else -1
                    self.activate(exit_order, self.bars[bar][0] if at_open else self.now)
        elif o.role in ("take_profit", "stop_loss"):
            for other in (each for each in others if each.role in ("take_profit", "stop_loss")):
                if o.left:
                    other.qty -= qty
                else:
                    self.cancel(other)

    def stands_before(self, o: Working) -> None:
        """Its first look, where that is at its arrival or at the open."""
        raise NotImplementedError
