"""What the rules of groups, of nights and of ex dates may do with a book; it knows them, they know this."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from broker.matching.open_span import OpenSpan
from broker.matching.orders import Order
from broker.matching.state import Execution, State
from broker.matching.terms import EventKind, Status


class OpenBook(Protocol):
    state: State
    span: OpenSpan | None
    now: int

    @property
    def ms(self) -> int:
        """The clock with which what happens now goes out."""

    def end(self, order: Order, status: Status, note: str = "") -> None:
        """Close an order that was not filled, and let its group follow."""

    def say(self, kind: EventKind, order: Order, execution: Execution | None = None, note: str = "") -> None:
        """An event of an order."""

    def arrive(self, order: Order) -> None:
        """From now on it looks after all who were there before."""

    def activate(self, order: Order, arrival: int) -> None:
        """From `arrival` on it meets the market."""

    def follow(self) -> None:
        """Bring the marks of trailing stops up to now."""

    def mark(self, symbol: str, at: int) -> Decimal | None:
        """What a share is worth at an instant; None on a day without a price."""

    def let_arrive(self) -> None:
        """What is still on its way."""
