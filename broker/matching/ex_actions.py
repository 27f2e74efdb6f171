"""What a night brings to positions and resting orders: splits, dividends, changes of symbols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from broker.matching.activity import Activity, ActivityKind
from broker.matching.lots import Position
from broker.matching.open_book import OpenBook
from broker.matching.orders import ZERO, plain_text
from broker.matching.terms import Status


@dataclass(frozen=True, slots=True)
class ExAction:
    """A corporate action on its ex date. `value`: new shares for an old one, or the cash a share."""

    symbol: str
    kind: ActivityKind
    value: Decimal = ZERO
    new_symbol: str = ""

    def as_payload(self) -> list[str]:
        return [self.symbol, self.kind, str(self.value), *filter(None, [self.new_symbol])]

    @classmethod
    def of(cls, payload: Sequence[str]) -> ExAction:
        symbol, kind, value, *new = payload
        return cls(symbol, ActivityKind(kind), Decimal(value), *new)


def go_ex(book: OpenBook, actions: Sequence[ExAction], open_ns: int) -> None:
    """What the night brings to positions and resting orders, as of a day's first open."""
    book.now = max(book.now, open_ns)
    for action in actions:
        if action.kind is ActivityKind.SPLIT:
            _split(book, action)
        elif action.kind is ActivityKind.DIVIDEND:
            _pay(book, action)
    if names := {each.symbol: each.new_symbol for each in actions if each.kind is ActivityKind.NAME_CHANGE}:
        _rename(book, names)


def _cancel_orders(book: OpenBook, symbol: str, note: str) -> None:
    for order in sorted(book.state.orders.values(), key=lambda each: each.number):
        if order.symbol == symbol and order.id in book.state.orders:
            book.end(order, Status.CANCELED, note)


def _rename(book: OpenBook, names: Mapping[str, str]) -> None:
    """All at once, for a new symbol may be another's old one; resting orders name a symbol that is no more."""
    state, before = book.state, book.state.positions
    for old, new in names.items():
        _cancel_orders(book, old, f"canceled by the change of symbol from {old} to {new}")
        if position := before.get(old):
            for symbol, qty in ((old, -position.qty), (new, position.qty)):
                words = f"change of symbol from {old} to {new}"
                state.activities.append(Activity(book.ms, ActivityKind.NAME_CHANGE, words, ZERO, symbol, qty))
    state.positions = {}
    for symbol, position in before.items():
        state.positions.setdefault(names.get(symbol, symbol), Position()).join(position)
    state.positions = {symbol: position for symbol, position in state.positions.items() if position.qty}
    state.marks = {names.get(symbol, symbol): mark for symbol, mark in state.marks.items()}


def _split(book: OpenBook, action: ExAction) -> None:
    """Shares and their prices; resting orders were meant for other shares, and are canceled."""
    note = f"canceled by the split of {action.symbol}: {plain_text(action.value)} for 1"
    _cancel_orders(book, action.symbol, note)
    position = book.state.positions.get(action.symbol)
    if position is None:
        return
    before = position.qty
    position.split(action.value)
    if action.symbol in book.state.marks:
        book.state.marks[action.symbol] /= action.value
    words = f"split {plain_text(action.value)} for 1"
    changed = position.qty - before
    book.state.activities.append(Activity(book.ms, ActivityKind.SPLIT, words, ZERO, action.symbol, changed))
    if not position.qty:
        del book.state.positions[action.symbol]


def _pay(book: OpenBook, action: ExAction) -> None:
    """Who is short pays it."""
    position = book.state.positions.get(action.symbol)
    if position is None:
        return
    amount = position.qty * action.value
    book.state.cash += amount
    made = Activity(book.ms, ActivityKind.DIVIDEND, "cash dividend", amount, action.symbol, position.qty, action.value)
    book.state.activities.append(made)
