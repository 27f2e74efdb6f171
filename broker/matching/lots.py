"""A position as lots: earlier days' first, then today's at a running average."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from typing import Any

from broker.matching.orders import ZERO

SMALLEST = Decimal("1e-9")
"""Part of a share."""
Lot = tuple[Decimal, Decimal]
"""Shares, all of one sign, and their price."""


@dataclass(slots=True)
class Position:
    """Shares of one symbol; short ones are negative."""

    earlier: list[Lot] = field(default_factory=list)
    today: Decimal = ZERO
    today_price: Decimal = ZERO
    entered: Decimal = ZERO
    """Shares of all of today's entries, and what they cost: the average of today's lot from the close on."""
    entered_value: Decimal = ZERO

    @property
    def qty(self) -> Decimal:
        return sum((qty for qty, _ in self.earlier), self.today)

    @property
    def cost_basis(self) -> Decimal:
        """Negative for short positions."""
        return sum((qty * price for qty, price in self.earlier), self.today * self.today_price)

    @property
    def average_entry(self) -> Decimal:
        return self.cost_basis / self.qty if self.qty else ZERO

    @property
    def overnight(self) -> Decimal:
        """Shares held since before today."""
        return sum((qty for qty, _ in self.earlier), ZERO)

    def trade(self, qty: Decimal, price: Decimal) -> None:
        """Buy, or with a negative quantity sell. What is more than the position begins a new one on the other side."""
        held = self.qty
        if held * qty >= 0:
            self._enter(qty, price)
        elif abs(qty) < abs(held):
            self._leave(qty)
        else:
            self.earlier, self.today, self.today_price, self.entered, self.entered_value = [], ZERO, ZERO, ZERO, ZERO
            if held + qty:
                self._enter(held + qty, price)

    def close_day(self) -> None:
        """Today's lot becomes one of the earlier ones, at the average of all of today's entries."""
        if self.today:
            self.earlier.append((self.today, self.entered_value / self.entered))
        self.today = self.today_price = self.entered = self.entered_value = ZERO

    def split(self, ratio: Decimal) -> None:
        """New shares for old ones, before a day's first trade."""
        lots = [((qty * ratio).quantize(SMALLEST, ROUND_DOWN), price / ratio) for qty, price in self.earlier]
        self.earlier = [(qty, price) for qty, price in lots if qty]

    def join(self, other: Position) -> None:
        """Take in another symbol's, before a day's first trade; what is held on both sides goes."""
        for qty, price in other.earlier:
            if self.qty * qty >= 0:
                self.earlier.append((qty, price))
            else:
                self.trade(qty, price)

    def _enter(self, qty: Decimal, price: Decimal) -> None:
        total = self.today + qty
        self.today_price = (self.today * self.today_price + qty * price) / total
        self.today = total
        self.entered += qty
        self.entered_value += qty * price

    def _leave(self, qty: Decimal) -> None:
        left = qty
        while left and self.earlier:
            lot, price = self.earlier[0]
            if abs(lot) > abs(left):
                self.earlier[0] = (lot + left, price)
                return
            self.earlier.pop(0)
            left += lot
        self.today += left

    def as_payload(self) -> dict[str, Any]:
        return {
            "earlier": [[format(qty, "f"), str(price)] for qty, price in self.earlier],
            "today": [str(each) for each in (self.today, self.today_price, self.entered, self.entered_value)],
        }

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Position:
        earlier = [(Decimal(qty), Decimal(price)) for qty, price in payload["earlier"]]
        return cls(earlier, *(Decimal(each) for each in payload["today"]))
