"""The end of a session: what expires, what positions are worth, what is charged."""

from __future__ import annotations

from decimal import Decimal

from broker.matching import groups
from broker.matching.activity import Activity, ActivityKind
from broker.matching.fees import Fees
from broker.matching.margin import equity_of, maintenance_of
from broker.matching.open_book import OpenBook
from broker.matching.open_span import OpenSpan
from broker.matching.orders import Order
from broker.matching.terms import AT_ONCE, Status, TimeInForce
from marketdata.units import MILLISECOND_NS


def close(book: OpenBook) -> None:
    """Day orders expire; after the day's last session lots are merged, fees charged, and the night begins."""
    assert book.span
    book.follow()
    span, book.span = book.span, None
    book.now = max(book.now, span.close_ns)
    _expire(book, span)
    if span.is_last:
        _end_day(book, span)
    if not span.outside:
        marks = {symbol: _mark(book, symbol, span.close_ns) for symbol in book.state.positions}
        book.state.marks = marks
        book.state.last_equity = equity_of(book.state, marks)
        book.state.last_maintenance = maintenance_of(book.state, marks)
    if span.is_last:
        book.let_arrive()


def _expire(book: OpenBook, span: OpenSpan) -> None:
    ending = [order for order in book.state.orders.values() if _is_over(order, span)]
    notes = groups.notes_of_bare_shares(ending)
    for order in sorted(ending, key=lambda each: each.number):
        status = Status.CANCELED if order.time_in_force in AT_ONCE else Status.EXPIRED
        book.end(order, status, notes.get(order.group_id, ""))


def _is_over(order: Order, span: OpenSpan) -> bool:
    if order.time_in_force is TimeInForce.GTC:
        return order.expires_ms is not None and order.expires_ms * MILLISECOND_NS <= span.close_ns
    if span.outside and not order.extended_hours:
        return False
    return (span.is_last or not order.extended_hours) and order.arrival < span.close_ns


def _end_day(book: OpenBook, span: OpenSpan) -> None:
    for position in book.state.positions.values():
        position.close_day()
    for words, amount in book.state.fees.rounded():
        book.state.cash -= amount
        book.state.activities.append(Activity(book.ms, ActivityKind.FEE, words, -amount))
    book.state.fees = Fees()


def _mark(book: OpenBook, symbol: str, at: int) -> Decimal:
    """The price at an instant; on a day without one the last before it, whatever its age."""
    price = book.mark(symbol, at)
    return price if price is not None else book.state.marks.get(symbol, book.state.position(symbol).average_entry)
