"""What changes an account's cash or shares without a trade: fees, dividends, splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from broker.matching.orders import ZERO, plain_text
from broker.matching.terms import Status

if TYPE_CHECKING:
    from broker.matching.book import Book


class ActivityKind(StrEnum):
    DEPOSIT = "CSD"
    FEE = "FEE"
    DIVIDEND = "DIV"
    SPLIT = "SPLIT"


@dataclass(frozen=True, slots=True)
class Activity:
    """One change. `amount`: of the cash; `qty`: of the shares by a split, and those that a dividend was paid for."""

    at_ms: int
    kind: ActivityKind
    words: str
    amount: Decimal = ZERO
    symbol: str = ""
    qty: Decimal = ZERO
    per_share: Decimal = ZERO

    def as_payload(self) -> list[Any]:
        numbers = (self.amount, self.qty, self.per_share)
        return [self.at_ms, self.kind, self.words, self.symbol, *map(str, numbers)]

    @classmethod
    def of(cls, payload: list[Any]) -> Activity:
        at_ms, kind, words, symbol, *numbers = payload
        amount, qty, per_share = map(Decimal, numbers)
        return cls(at_ms, ActivityKind(kind), words, amount, symbol, qty, per_share)


@dataclass(frozen=True, slots=True)
class ExAction:
    """A corporate action on its ex date. `value`: new shares for an old one, or the cash a share."""

    symbol: str
    kind: ActivityKind
    value: Decimal

    def as_payload(self) -> list[str]:
        return [self.symbol, self.kind, str(self.value)]

    @classmethod
    def of(cls, payload: Sequence[str]) -> ExAction:
        symbol, kind, value = payload
        return cls(symbol, ActivityKind(kind), Decimal(value))


def go_ex(book: Book, actions: Sequence[ExAction], open_ns: int) -> None:
    """What the night brings to positions and resting orders, as of a day's first open."""
    book.now = max(book.now, open_ns)
    for action in actions:
        if action.kind is ActivityKind.SPLIT:
            _split(book, action)
        else:
            _pay(book, action)


def _split(book: Book, action: ExAction) -> None:
    """Shares and their prices; resting orders were meant for other shares, and are canceled."""
    note = f"canceled by the split of {action.symbol}: {plain_text(action.value)} for 1"
    for order in sorted(book.state.orders.values(), key=lambda each: each.number):
        if order.symbol == action.symbol and order.id in book.state.orders:
            book.end(order, Status.CANCELED, note)
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


def _pay(book: Book, action: ExAction) -> None:
    """Who is short pays it."""
    position = book.state.positions.get(action.symbol)
    if position is None:
        return
    amount = position.qty * action.value
    book.state.cash += amount
    made = Activity(book.ms, ActivityKind.DIVIDEND, "cash dividend", amount, action.symbol, position.qty, action.value)
    book.state.activities.append(made)
