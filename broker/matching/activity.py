"""What changes an account's cash or shares without a trade: fees, dividends, splits, changes of symbols."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from broker.matching.orders import ZERO


class ActivityKind(StrEnum):
    DEPOSIT = "CSD"
    FEE = "FEE"
    DIVIDEND = "DIV"
    SPLIT = "SPLIT"
    NAME_CHANGE = "NC"


@dataclass(frozen=True, slots=True)
class Activity:
    """One change. `amount`: of the cash; `qty`: of the shares, and those that a dividend was paid for.

    A change of symbol is two of them: shares of the old one go, and as many of the new one come.
    """

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
