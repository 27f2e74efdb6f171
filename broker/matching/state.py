"""What an account is at an instant: cash, positions, open orders and how much it has said so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from broker.matching.activity import Activity
from broker.matching.fees import Fees
from broker.matching.lots import Position
from broker.matching.orders import ZERO, Order
from broker.matching.terms import EventKind


@dataclass(slots=True)
class State:
    """All that matching needs to go on; written down at each day's beginning."""

    cash: Decimal
    positions: dict[str, Position] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    """Open ones by id."""
    events: int = 0
    executions: int = 0
    arrivals: int = 0
    requests: int = 0
    """Number of the last one that was picked up."""
    last_equity: Decimal = ZERO
    """At the close of the day before; the opening cash until then."""
    last_maintenance: Decimal = ZERO
    marks: dict[str, Decimal] = field(default_factory=dict)
    """The positions' prices at the last close: what they are worth on a day without a price."""
    fees: Fees = field(default_factory=Fees)
    """Accrued today, taken from the cash at the close."""
    activities: list[Activity] = field(default_factory=list)
    """What changed it without a trade, oldest first."""

    def position(self, symbol: str) -> Position:
        return self.positions.get(symbol) or Position()

    def begin_anew(self) -> None:
        """As a fork's: what it was counted by and what changed it without a trade was its origin's."""
        self.events, self.requests, self.activities = 0, 0, []

    def as_payload(self) -> dict[str, Any]:
        return {**self.figures(), "orders": [order.as_payload() for order in self.orders.values()]}

    def figures(self) -> dict[str, Any]:
        """All but the orders: what is written with each request, however many are open."""
        return {
            "cash": str(self.cash),
            "positions": {symbol: position.as_payload() for symbol, position in self.positions.items()},
            "events": self.events,
            "executions": self.executions,
            "requests": self.requests,
            "last_equity": str(self.last_equity),
            "last_maintenance": str(self.last_maintenance),
            "arrivals": self.arrivals,
            "marks": {symbol: str(mark) for symbol, mark in self.marks.items()},
            "fees": self.fees.as_payload(),
            "activities": [activity.as_payload() for activity in self.activities],
        }

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> State:
        orders = [Order.of(each) for each in payload.get("orders", ())]
        return cls(
            cash=Decimal(payload["cash"]),
            positions={symbol: Position.of(each) for symbol, each in payload["positions"].items()},
            orders={order.id: order for order in orders},
            events=payload["events"],
            executions=payload["executions"],
            requests=payload["requests"],
            last_equity=Decimal(payload["last_equity"]),
            last_maintenance=Decimal(payload["last_maintenance"]),
            arrivals=payload["arrivals"],
            marks={symbol: Decimal(mark) for symbol, mark in payload["marks"].items()},
            fees=Fees.of(payload["fees"]),
            activities=[Activity.of(each) for each in payload["activities"]],
        )


@dataclass(frozen=True, slots=True)
class Execution:
    """A trade of ours and what it met."""

    number: int
    qty: Decimal
    price: Decimal
    position_qty: Decimal
    """After it; shorts are negative."""
    basis: str
    met_price: Decimal
    met_size: Decimal | None
    """None where the tape has none."""
    met_at: int
    """Its own stamp, nanoseconds."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that became of an order. `order`: its payload after it; `at_ms`: the clock that it goes out with."""

    number: int
    kind: EventKind
    at_ms: int
    order: dict[str, Any]
    execution: Execution | None = None
    note: str = ""
