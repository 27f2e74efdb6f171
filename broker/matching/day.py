"""A symbol's day as orders meet it: quotes where the store has them, else trades, else bars."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from functools import cached_property
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from broker.matching.orders import NINE_DECIMALS, Order
from broker.matching.terms import Basis, Side
from marketdata.columns import BarColumns, Ints, TickColumns
from marketdata.ledger import WORDS
from marketdata.units import MINUTE_NS, SECOND_NS

HALTED = "H"
PRINT = 1
"""The phase of a trade: at one stamp quotes come first."""


class Look(NamedTuple):
    """When an order looks at the market. Ordered as the market is: what becomes known first, then by its own stamp.

    `phase` of a bar: its open, its range, its close. `turn`: the place of a print among others of its stamp.
    """

    known: int
    at: int
    phase: int
    turn: int
    row: int


class Met(NamedTuple):
    """What an execution met on the tape. `size`: None where it has none."""

    look: Look
    basis: Basis
    price: Decimal
    size: Decimal | None


class Fills(Protocol):
    """What a market may do to an order that looks at it."""

    def fill(self, order: Order, qty: Decimal, price: Decimal, met: Met) -> None:
        """Execute shares of it."""

    def give_up(self, order: Order, look: Look) -> None:
        """End what is left of an order that had one look: canceled, of an auction's order expired."""

    def partial(self, order: Order, qty: Decimal) -> Decimal:
        """How much of an eligible quantity is executed: the profile `paper` takes less now and then."""

    def stop_elects(self, order: Order, look: Look) -> bool:
        """Whether the other exit of its group is a stop that this bar's range elects or fills."""

    def raised(self, order: Order) -> None:
        """Its high-water mark has moved."""

    def arrive(self, order: Order) -> None:
        """From now on it looks after all who were there before."""


class Market(Protocol):
    """One symbol's day under one account: who took what of it is remembered here."""

    def next_look(self, order: Order, after: Look | None) -> Look | None:
        """The first instant, later than `after`, at which something may come of the order; None on this day."""

    def look(self, order: Order, look: Look, fills: Fills) -> None:
        """Let the order meet that instant."""

    def follow(self, order: Order, at: int) -> bool:
        """Let a trailing stop's mark follow what is known at an instant; whether it moved."""

    def mark(self, at: int) -> Decimal | None:
        """What a share is worth at an instant: last valid trade, else mid, else the last published bar's close."""

    def far_side(self, side: Side, at: int) -> Decimal | None:
        """The price that a marketable order of that side would meet; None where none stands."""

    def halted(self, at: int) -> bool:
        """Whether the minute of an instant is halted: nothing is filled or elected in it."""

    def silent_minute(self, after: int) -> int | None:
        """The end of the first minute, begun at an instant or later, in which nothing can be filled."""

    def silence(self, end: int) -> str:
        """Why nothing could be filled in the minute that ended then."""


def exact(value: float) -> Decimal:
    """A stored number as it was written."""
    return Decimal(repr(float(value)))


def whole(qty: Decimal, order: Order) -> Decimal:
    """Rounded down to whole shares; of an order with a fraction to nine decimals."""
    if order.is_fractional:
        return qty.quantize(NINE_DECIMALS, ROUND_DOWN)
    return qty.to_integral_value(ROUND_DOWN)


def requested(order: Order, price: Decimal) -> Decimal:
    """Shares that are still to come at that price."""
    if order.notional is None:
        return order.left
    return ((order.notional - order.filled_value) / price).quantize(NINE_DECIMALS, ROUND_DOWN)


def first(mask: NDArray[np.bool_], start: int) -> int | None:
    """The first true row from `start` on."""
    found = int(np.argmax(mask[start:])) if start < len(mask) else 0
    return start + found if start < len(mask) and mask[start + found] else None


@dataclass(eq=False)
class DayData:
    """What the store has of a symbol's day. `trades` and `quotes` are read when an order first looks at them."""

    symbol: str
    open_ns: int
    close_ns: int
    bars: BarColumns | None = None
    load_trades: Callable[[], TickColumns] | None = None
    load_quotes: Callable[[], TickColumns] | None = None
    by_exchange: bool = False
    """Whether quotes are each exchange's own, not a consolidated best bid and offer."""
    ledger: str = ""
    """One letter per minute of the regular session; empty where none is known."""
    outside: bool = False
    """Whether it is a part of the day before the open or after the close; `open_ns` is the regular one all the same."""
    begins_ns: int | None = None
    """Where such a part begins."""
    load_late_trades: Callable[[], TickColumns] | None = None
    """Trades outside the regular session, among which official prints may be."""

    @property
    def begin_ns(self) -> int:
        return self.open_ns if self.begins_ns is None else self.begins_ns

    @cached_property
    def trades(self) -> TickColumns | None:
        return self.load_trades() if self.load_trades else None

    @cached_property
    def quotes(self) -> TickColumns | None:
        return self.load_quotes() if self.load_quotes else None

    @cached_property
    def late_trades(self) -> TickColumns | None:
        return self.load_late_trades() if self.load_late_trades else None

    @cached_property
    def bar_ends(self) -> Ints:
        assert self.bars is not None
        return self.open_ns + self.bars.offset * SECOND_NS + MINUTE_NS

    def last_close(self, at: int) -> Decimal | None:
        """The close of the last bar that is published at an instant."""
        if self.bars is None:
            return None
        index = int(np.searchsorted(self.bar_ends, at, "right")) - 1
        return exact(self.bars.close[index]) if index >= 0 else None

    def letter(self, at: int) -> str:
        """The ledger's of the minute of an instant; empty outside of it."""
        minute = (at - self.open_ns) // MINUTE_NS
        return self.ledger[minute] if 0 <= minute < len(self.ledger) else ""

    def silent_minute(self, letters: Sequence[str], after: int) -> int | None:
        """The end of the first minute, begun at an instant or later, that the ledger has as one of those letters."""
        start = max(0, -(-(after - self.open_ns) // MINUTE_NS))
        found = (minute for minute in range(start, len(self.ledger)) if self.ledger[minute] in letters)
        minute = next(found, None)
        return None if minute is None else self.open_ns + (minute + 1) * MINUTE_NS

    def silence(self, end: int) -> str:
        start = dt.datetime.fromtimestamp((end - MINUTE_NS) // SECOND_NS, dt.UTC)
        return f"waits: {self.symbol} has no trading at {start:%H:%M} UTC, {WORDS[self.letter(end - MINUTE_NS)]}"


class StandsStill:
    """Minutes in which a market fills nothing: those that the ledger has as one of these letters."""

    silent: ClassVar[tuple[str, ...]] = (HALTED,)
    day: DayData

    def halted(self, at: int) -> bool:
        return self.day.letter(at) in self.silent

    def silent_minute(self, after: int) -> int | None:
        return self.day.silent_minute(self.silent, after)

    def silence(self, end: int) -> str:
        return self.day.silence(end)
