"""Regulatory fees of the date: accrued with each execution, charged per day and rounded up to the cent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import ROUND_UP, Decimal
from typing import Any

from broker.matching.terms import Side

ZERO = Decimal(0)
CENT = Decimal("0.01")
MILLION = Decimal(1_000_000)
SEC_RATES = (
    (dt.date(2025, 5, 13), Decimal("27.80")),
    (dt.date(2026, 4, 3), ZERO),
    (dt.date.max, Decimal("20.60")),
)
"""Section 31, per million dollars sold: the last date of each rate."""
TAF_RATES = (
    (dt.date(2025, 12, 31), Decimal("0.000166"), Decimal("8.30")),
    (dt.date(2026, 9, 30), Decimal("0.000195"), Decimal("9.79")),
    (dt.date(2026, 12, 31), ZERO, ZERO),
    (dt.date.max, Decimal("0.000195"), Decimal("9.79")),
)
"""Trading activity fee: per share sold, and its most for one execution."""
CAT_RATE = Decimal("0.000003")
"""Consolidated audit trail: per share bought or sold."""
WORDS = {"sec": "SEC fee", "taf": "TAF fee", "cat": "CAT fee"}


@dataclass(slots=True)
class Fees:
    """One day's fees, before they are rounded."""

    sec: Decimal = ZERO
    taf: Decimal = ZERO
    cat: Decimal = ZERO

    def accrue(self, date: dt.date, side: Side, qty: Decimal, price: Decimal) -> None:
        """Add the fees of one execution."""
        self.cat += qty * CAT_RATE
        if side is Side.SELL:
            self.sec += qty * price * next(rate for last, rate in SEC_RATES if date <= last) / MILLION
            rate, most = next((rate, most) for last, rate, most in TAF_RATES if date <= last)
            self.taf += min(qty * rate, most)

    def rounded(self) -> Iterator[tuple[str, Decimal]]:
        """Each that is due, with its name."""
        for name, words in WORDS.items():
            if due := getattr(self, name):
                yield words, due.quantize(CENT, ROUND_UP)

    @property
    def total(self) -> Decimal:
        return sum((amount for _, amount in self.rounded()), ZERO)

    def as_payload(self) -> dict[str, str]:
        return {name: str(amount) for name, amount in asdict(self).items()}

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> Fees:
        return cls(**{name: Decimal(amount) for name, amount in payload.items()})
