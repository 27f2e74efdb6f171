"""What a request does to the book at its arrival."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from broker.matching.orders import Order
from broker.matching.terms import EventKind, Status

if TYPE_CHECKING:
    from broker.matching.book import Book


@dataclass(frozen=True, slots=True)
class Place:
    orders: tuple[dict[str, Any], ...]
    """Payloads: an order, or a group's with the entry first."""

    def apply(self, book: Book, arrival: int) -> None:
        for payload in self.orders:
            book.place(Order.of(payload), arrival)

    def brings(self, book: Book) -> list[Order]:
        return [Order.of(payload) for payload in self.orders]


@dataclass(frozen=True, slots=True)
class Cancel:
    order_ids: tuple[str, ...]

    def apply(self, book: Book, arrival: int) -> None:
        for order_id in self.order_ids:
            book.cancel(order_id)

    def brings(self, book: Book) -> list[Order]:
        return []


@dataclass(frozen=True, slots=True)
class Configure:
    """Settings of its owner: they decide what may be asked for, and change nothing that is in the book."""

    def apply(self, book: Book, arrival: int) -> None:
        pass

    def brings(self, book: Book) -> list[Order]:
        return []


@dataclass(frozen=True, slots=True)
class Replace:
    """The new order instead of one that is open, for what was left where it names no quantity."""

    order_id: str
    order: dict[str, Any]

    def apply(self, book: Book, arrival: int) -> None:
        old, new = book.state.orders.get(self.order_id), Order.of(self.order)
        if old is None:
            new.status, new.failed_ms, new.reason = Status.REJECTED, book.ms, "the order that it replaces was over"
            book.say(EventKind.REJECTED, new)
            return
        book.follow_one(old)
        new.qty = old.left if new.qty is None else new.qty
        new.carried, new.hwm = old.carried + old.filled_qty, old.hwm
        new.status = Status.HELD if old.status is Status.HELD else Status.PENDING_NEW
        new.looked = new.like_market = new.elected = new.exit_of_bar = False
        new.elected_in = -1
        del book.state.orders[old.id]
        old.status, old.replaced_ms, old.replaced_by = Status.REPLACED, book.ms, new.id
        book.say(EventKind.REPLACED, old)
        book.place(new, arrival)

    def brings(self, book: Book) -> list[Order]:
        old, new = book.state.orders.get(self.order_id), Order.of(self.order)
        if new.qty is None and old is not None:
            new.qty = old.left
        return [new]
