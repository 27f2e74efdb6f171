"""Orders that belong together: an entry and its exits, or two exits."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from broker.matching.day import Look
from broker.matching.open_book import OpenBook
from broker.matching.orders import Order
from broker.matching.terms import Basis, EventKind, Role, Status


def members(book: OpenBook, order: Order) -> list[Order]:
    """The other open orders of its group, in the order in which they were asked for."""
    if not order.group_id:
        return []
    others = (each for each in book.state.orders.values() if each.group_id == order.group_id and each is not order)
    return sorted(others, key=lambda each: each.number)


def sibling(book: OpenBook, order: Order) -> Order | None:
    """The other exit."""
    return next((each for each in members(book, order) if each.is_exit), None)


def after_fill(book: OpenBook, order: Order, qty: Decimal, look: Look, basis: Basis) -> None:
    if order.role is Role.ENTRY:
        if order.status is Status.FILLED:
            _release(book, order, look, basis)
    elif other := sibling(book, order) if order.is_exit else None:
        if order.status is Status.FILLED:
            book.end(other, Status.CANCELED)
        else:
            assert other.qty is not None
            other.qty -= qty
            book.say(EventKind.RESTATED, other)


def _release(book: OpenBook, entry: Order, look: Look, basis: Basis) -> None:
    """The entry is filled: its exits arrive, and look after all who were there before."""
    at_open = basis is Basis.BAR_OPEN
    for exit_order in members(book, entry):
        if exit_order.status is Status.HELD:
            exit_order.qty = entry.carried + entry.filled_qty
            exit_order.exit_of_bar = at_open
            book.arrive(exit_order)
            book.activate(exit_order, look.at if at_open else look.known)


def notes_of_bare_shares(ending: Iterable[Order]) -> dict[str, str]:
    """By group: what there is to say of entries that end filled in part."""
    entries = (order for order in ending if order.role is Role.ENTRY)
    return {entry.group_id: _bare(entry) for entry in entries if entry.carried + entry.filled_qty}


def _bare(entry: Order) -> str:
    return f"{(entry.carried + entry.filled_qty).normalize():f} shares of its entry are without an exit"


def after_cancel(book: OpenBook, order: Order, note: str) -> None:
    """One that is canceled ends the others. An entry that was filled in part leaves shares without an exit."""
    note = notes_of_bare_shares([order]).get(order.group_id, note)
    for other in members(book, order):
        book.end(other, Status.CANCELED, note)
