"""What a reader wants of a session: pairs of symbol and interval, either of which may be `*`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

from marketdata.intervals import interval_name
from streaming.frames import Frame

ANY = "*"
Pair = tuple[str, str]


class NotSubscribed(ValueError):
    """A pair that cannot be taken out of what is wanted; the text says why."""


@dataclass(frozen=True)
class Wanted:
    """A set of (symbol, interval); hashable, so that readers who want the same share what is made for it."""

    pairs: frozenset[Pair]

    @classmethod
    def of(cls, symbols: Collection[str] | None = None, intervals: Collection[str] | None = None) -> Wanted:
        """Every one of the symbols in every one of the intervals; None is all."""
        return cls(_pairs(symbols, intervals))

    @property
    def all(self) -> bool:
        return (ANY, ANY) in self.pairs

    def symbols(self, interval: str) -> frozenset[str] | None:
        """The symbols wanted in an interval; None is all."""
        return _symbols(self.pairs, interval)

    def bar(self, bar: dict[str, Any]) -> bool:
        symbols = self.symbols(bar["interval"])
        return symbols is None or bar["symbol"] in symbols

    def touches(self, frame: Frame) -> bool:
        """Whether anything of the frame is wanted; days that open and close always are."""
        if self.all or frame.extras:
            return True
        for block in frame.blocks:
            symbols = self.symbols(interval_name(block.width))
            if symbols is None or not symbols.isdisjoint(block.symbols):
                return True
        return False

    def wire(self, frame: Frame) -> dict[str, Any]:
        """The frame in wire form with what is wanted of it; id and hash stay."""
        if self.all:
            return frame.wire()
        return frame.wire_of(lambda block: self.symbols(interval_name(block.width)))

    def adding(self, symbols: Collection[str] | None, intervals: Collection[str] | None) -> Wanted:
        return Wanted(self.pairs | _pairs(symbols, intervals))

    def without(self, symbols: Collection[str] | None, intervals: Collection[str] | None) -> Wanted:
        """Raises NotSubscribed where a part of `*` is to go: that leaves no set of pairs."""
        gone = _pairs(symbols, intervals)
        left = frozenset(pair for pair in self.pairs if not any(_covers(wide, pair) for wide in gone))
        for pair in gone:
            if wider := next((kept for kept in left if _covers(kept, pair)), None):
                raise NotSubscribed(
                    f"{' '.join(pair)} is part of the subscription {' '.join(wider)!r}: "
                    "unsubscribe that, then subscribe to what is to stay."
                )
        return Wanted(left)

    def listed(self) -> list[list[str]]:
        return sorted(map(list, self.pairs))


def _pairs(symbols: Iterable[str] | None, intervals: Iterable[str] | None) -> frozenset[Pair]:
    return frozenset(product([ANY] if symbols is None else symbols, [ANY] if intervals is None else intervals))


def _covers(wide: Pair, pair: Pair) -> bool:
    return wide[0] in (ANY, pair[0]) and wide[1] in (ANY, pair[1])


@lru_cache(maxsize=4096)
def _symbols(pairs: frozenset[Pair], interval: str) -> frozenset[str] | None:
    found = frozenset(symbol for symbol, of in pairs if of in (ANY, interval))
    return None if ANY in found else found
