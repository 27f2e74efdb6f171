"""The market that quotes make: best bid and best ask, of a consolidated tape or over exchanges."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from broker.matching.day import exact
from broker.matching.terms import Side
from marketdata.columns import Floats, Ints, TickColumns
from marketdata.columns.tick_columns import Codes

NEVER = 1 << 62
"""An age in nanoseconds that nothing reaches."""


@dataclass(frozen=True, slots=True)
class Displayed:
    """One quote's units at the best price. `size`: None where the source has none; `key`: whose quote it is."""

    price: Decimal
    size: Decimal | None
    row: int
    since: int
    key: int


class QuotedSide:
    """One side of a day's quotes, by rows that say something of it; a price or size of 0 withdraws it."""

    def __init__(self, side: Side, quotes: TickColumns, open_ns: int, by_exchange: bool) -> None:
        self.side = side
        name = "ask" if side is Side.BUY else "bid"
        price, size = quotes.value(name), quotes.value(f"{name}_size")
        rows = np.flatnonzero(~np.isnan(price))
        self.at: Ints = open_ns + quotes.at[rows]
        self.price: Floats = price[rows]
        self.size: Floats = size[rows]
        self.key: Codes = quotes.code(f"{name}_exchange")[rows] if by_exchange else np.zeros(len(rows), np.int32)
        self.gone: NDArray[np.bool_] = (self.price <= 0) | (self.size == 0)
        self.by_exchange = by_exchange
        self.last_of_instant = self._last_of_instant()

    def _last_of_instant(self) -> NDArray[np.bool_]:
        """Rows that no other row of the same stamp and exchange replaces."""
        last = np.ones(len(self.at), dtype=bool)
        for key in np.unique(self.key):
            rows = np.flatnonzero(self.key == key)
            last[rows[:-1]] = np.diff(self.at[rows]) > 0
        return last

    def displayed(self, at: int, stale: int) -> list[Displayed]:
        """The quotes at the best price that count at an instant, the oldest first."""
        end = int(np.searchsorted(self.at, at, "right"))
        if self.by_exchange:
            start = int(np.searchsorted(self.at, at - stale, "left"))
            _, back = np.unique(self.key[start:end][::-1], return_index=True)
            rows = [row for row in sorted(end - 1 - back) if not self.gone[row]]
        else:
            fresh = end > 0 and at - int(self.at[end - 1]) <= stale
            rows = [end - 1] if fresh and not self.gone[end - 1] else []
        if not rows:
            return []
        best = (min if self.side is Side.BUY else max)(float(self.price[row]) for row in rows)
        return [self._displayed(int(row)) for row in rows if self.price[row] == best]

    def _displayed(self, row: int) -> Displayed:
        size = float(self.size[row])
        units = None if np.isnan(size) else exact(size)
        return Displayed(exact(self.price[row]), units, row, int(self.at[row]), int(self.key[row]))

    def least_shown(self, key: int, price: Decimal, after: int, until: int) -> Decimal | None:
        """The smallest size that one shows at a price in the rows after one up to another; None where it shows none."""
        rows = slice(after + 1, until + 1)
        counted = (self.key[rows] == key) & (self.price[rows] == float(price)) & self.last_of_instant[rows]
        sizes = self.size[rows][counted & ~self.gone[rows]]
        sizes = sizes[~np.isnan(sizes)]
        return exact(sizes.min()) if len(sizes) else None

    def best(self, instants: Ints, stale: int) -> Floats:
        """The best price at each of the instants; NaN where none stands that is no older than `stale`."""
        if self.by_exchange:
            return self._best_over_exchanges(instants, stale)
        last = np.searchsorted(self.at, instants, "right") - 1
        best = np.full(len(instants), np.nan)
        known = last >= 0
        counts = ~self.gone[last[known]] & (instants[known] - self.at[last[known]] <= stale)
        best[known] = np.where(counts, self.price[last[known]], np.nan)
        return best

    def _best_over_exchanges(self, instants: Ints, stale: int) -> Floats:
        best, newest, row = np.full(len(instants), np.nan), dict[int, tuple[int, float]](), 0
        choose = min if self.side is Side.BUY else max
        ends = np.searchsorted(self.at, instants, "right").tolist()
        for i, (at, end) in enumerate(zip(instants.tolist(), ends, strict=True)):
            while row < end:
                newest.pop(key := int(self.key[row]), None)
                if not self.gone[row]:
                    newest[key] = int(self.at[row]), float(self.price[row])
                row += 1
            best[i] = choose((price for since, price in newest.values() if at - since <= stale), default=np.nan)
        return best


class BestSides:
    """Both sides, under the side of the orders that meet them, at the instants that bring a quote."""

    def __init__(self, quotes: TickColumns, open_ns: int, by_exchange: bool, stale: int) -> None:
        self.stale = stale
        self.at: Ints = np.unique(open_ns + quotes.at)
        self.sides = {side: QuotedSide(side, quotes, open_ns, by_exchange) for side in Side}
        self.best = {side: quoted.best(self.at, stale) for side, quoted in self.sides.items()}
        self.newest = (
            self.best if by_exchange else {side: each.best(self.at, NEVER) for side, each in self.sides.items()}
        )
        two_sided = ~np.isnan(self.newest[Side.BUY]) & ~np.isnan(self.newest[Side.SELL])
        self.two_sided: Ints = np.maximum.accumulate(np.where(two_sided, np.arange(len(self.at)), -1))

    def instant(self, at: int) -> int:
        """The place of the newest quotes at that moment; −1 before the first."""
        return int(np.searchsorted(self.at, at, "right")) - 1

    def standing(self, side: Side, at: int) -> list[Displayed]:
        """What an order of that side can meet; nothing where the market is crossed."""
        far = self.sides[side].displayed(at, self.stale)
        near = self.sides[side.other].displayed(at, self.stale)
        if far and near and side.sign * far[0].price < side.sign * near[0].price:
            return []
        return far

    def mid(self, at: int) -> Decimal | None:
        """The newest one, whatever its age: of the last instant at which both sides stood."""
        instant = self.instant(at)
        row = int(self.two_sided[instant]) if instant >= 0 else -1
        return (exact(self.newest[Side.BUY][row]) + exact(self.newest[Side.SELL][row])) / 2 if row >= 0 else None
