"""A made day as lists: its instants in order, what stands at each, and what its auctions are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from broker.matching.terms import Terms
from tests.broker.books import MINUTE_NS, SECOND_NS
from tests.broker.random_days import Made
from tests.broker.working_orders import ZERO

INVALID = set("BW479CGHIMNPQRTUVZ")


def number(value: Any) -> Decimal:
    return Decimal(str(value))


@dataclass(eq=False)
class PlainTape:
    """`read_day` before anything is asked of a day that begins at `opens` and ends at `close`."""

    made: Made
    rules: Terms

    def read_day(self) -> None:
        made, opens = self.made, self.opens
        self.taken: dict[Any, Decimal] = {}
        self.bars = [
            (opens + minute * MINUTE_NS, *map(number, row)) for row, minute in zip(made.bars, made.minutes, strict=True)
        ]
        self.trades = [
            (opens + row[0] * SECOND_NS, number(row[1]), number(row[2]), row[3], not set(row[3]) & INVALID)
            for row in made.trades or ()
        ]
        self.quotes = [(opens + row[0] * SECOND_NS, *row[1:]) for row in made.quotes or ()]
        self.tier = "quotes" if made.quotes else "trades" if made.trades else "bars"

    def instants(self) -> Iterator[tuple[int, int, int, int, str]]:
        """(known, stamp, phase, row, what), of the tier and of its auctions."""
        if self.tier == "bars":
            for i, (start, *_) in enumerate(self.bars):
                for phase, what in enumerate(("open", "range", "bar_close")):
                    yield start + MINUTE_NS, start if phase < 2 else start + MINUTE_NS - 1, phase, i, what
        else:
            for at in {row[0] for row in self.quotes}:
                yield at, at, 0, 0, "quote"
            for i, trade in enumerate(self.trades):
                yield trade[0], trade[0], 1, i, "trade"
        for tif in ("opg", "cls"):
            if (met := self.auction(tif)) is not None:
                known, at, phase, row = met[:4]
                yield known, at, phase, row, tif

    def auction(self, tif: str) -> tuple[int, int, int, int, Decimal, Decimal, Any] | None:
        """Known, stamp, phase, row, price, size and pool of what its orders meet."""
        opening = tif == "opg"
        if self.tier == "bars":
            if not self.bars:
                return None
            i = 0 if opening else len(self.bars) - 1
            start, opened, _, _, closed, volume = self.bars[i]
            end = start + MINUTE_NS
            if opening:
                return end, start, 0, i, opened, volume, ("bar", i)
            return self.close, end - 1, 2, i, closed, volume, ("bar", i)
        for letter in ("O", "Q") if opening else ("6", "M"):
            prints = [(-t[2], i) for i, t in enumerate(self.trades) if t[3] == letter]
            if prints:
                _, i = min(prints)
                at, price, size, *_ = self.trades[i]
                return at if opening else self.close, at, 1, i, price, size, ("trade", i)
        if self.bars:
            start, opened, _, _, closed, volume = self.bars[0 if opening else -1]
            end = start + MINUTE_NS
            if opening:
                return end, start, 1, 0, opened, volume, ("auction", 0)
            return self.close, end, 1, 0, closed, volume, ("auction", len(self.bars) - 1)
        valid = [i for i, trade in enumerate(self.trades) if trade[4]]
        if not valid:
            return None
        i = valid[0 if opening else -1]
        at, price, size, *_ = self.trades[i]
        return at if opening else self.close, at, 1, i, price, size, ("trade", i)

    def halted(self, at: int) -> bool:
        minute = (at - self.opens) // MINUTE_NS
        return 0 <= minute < len(self.made.ledger) and self.made.ledger[minute] == "H"

    def standing(self, sign: int, at: int, *, fresh: bool = True) -> list[tuple[Decimal, Decimal, int, Any]]:
        """(price, size, stamp, whose) of the far side's quotes at the best price, the oldest first."""
        newest: dict[Any, tuple[int, Decimal, Decimal]] = {}
        for stamp, bid, bid_size, ask, ask_size, exchange in self.quotes:
            price, size = (ask, ask_size) if sign > 0 else (bid, bid_size)
            if stamp <= at and price is not None:
                whose = exchange if self.made.by_exchange else ""
                newest.pop(whose, None)
                newest[whose] = stamp, number(price), number(size)
        stale = int(self.rules.stale_seconds * SECOND_NS)
        counts = [
            (price, size, stamp, whose)
            for whose, (stamp, price, size) in newest.items()
            if price > 0 and size > 0 and not (fresh and at - stamp > stale)
        ]
        best = min((sign * each[0] for each in counts), default=ZERO)
        return [each for each in counts if sign * each[0] == best]

    def market(self, sign: int, at: int) -> list[tuple[Decimal, Decimal, int, Any]]:
        """What an order can meet: nothing while the market is crossed."""
        far, near = self.standing(sign, at), self.standing(-sign, at)
        return [] if far and near and sign * far[0][0] < sign * near[0][0] else far

    def last_trade(self, at: int) -> Decimal | None:
        return next((t[1] for t in reversed(self.trades) if t[4] and t[0] <= at), None)

    def mark(self, at: int) -> Decimal | None:
        if (last := self.last_trade(at)) is not None:
            return last
        for stamp in sorted({row[0] for row in self.quotes if row[0] <= at}, reverse=True):
            bid, ask = (self.standing(sign, stamp, fresh=self.made.by_exchange) for sign in (-1, 1))
            if bid and ask:
                return (bid[0][0] + ask[0][0]) / 2
        return next((bar[4] for bar in reversed(self.bars) if bar[0] + MINUTE_NS <= at), None)
