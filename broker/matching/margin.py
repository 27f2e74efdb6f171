"""What positions are worth and what margin they need: a price table, as no leverage of funds is known."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from broker.matching.orders import ZERO
from broker.matching.state import State

INITIAL = Decimal("0.5")
LONG_SHARE, LONG_FROM = Decimal("0.3"), Decimal("2.5")
SHORT_FROM, SHORT_LEAST, CHEAP_SHORT_LEAST = Decimal(5), Decimal(5), Decimal("2.5")
Marks = Mapping[str, Decimal]
"""Symbol → price of a share."""


def values(state: State, marks: Marks) -> tuple[Decimal, Decimal]:
    """Market value of long and of short positions; the latter is negative."""
    each = [position.qty * marks[symbol] for symbol, position in state.positions.items()]
    return sum((v for v in each if v > 0), ZERO), sum((v for v in each if v < 0), ZERO)


def equity_of(state: State, marks: Marks) -> Decimal:
    return state.cash + sum(values(state, marks))


def initial_of(state: State, marks: Marks) -> Decimal:
    long, short = values(state, marks)
    return (long - short) * INITIAL


def maintenance_of(state: State, marks: Marks) -> Decimal:
    parts = (maintenance(position.qty, marks[symbol]) for symbol, position in state.positions.items())
    return sum(parts, ZERO)


def maintenance(qty: Decimal, price: Decimal) -> Decimal:
    """What one position needs."""
    if qty >= 0:
        return qty * price * (LONG_SHARE if price >= LONG_FROM else 1)
    if price >= SHORT_FROM:
        return -qty * max(SHORT_LEAST, LONG_SHARE * price)
    return -qty * max(CHEAP_SHORT_LEAST, price)
