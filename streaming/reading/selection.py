"""What a reader wants of a session: pairs of symbol and channel, either of which may be `*`.

A channel is an interval of bars, `bars` for all of them, `ticks` for trades, or `quotes`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import orjson

from streaming.engine.frames.bar_blocks import BarBlock
from streaming.engine.frames.frame import Frame
from streaming.engine.frames.tick_blocks import TickBlock

ANY = "*"
BARS, TICKS = "bars", ("ticks", "quotes")
Pair = tuple[str, str]


class NotSubscribed(ValueError):
    """A pair that cannot be taken out of the selection; the text says why."""


@dataclass(frozen=True)
class Selection:
    """A set of (symbol, channel); hashable, so that readers who want the same share what is made for it."""

    pairs: frozenset[Pair]

    @classmethod
    def of(
        cls,
        symbols: Collection[str] | None = None,
        intervals: Collection[str] | None = None,
        types: Collection[str] | None = None,
    ) -> Selection:
        """Every one of the symbols in every one of the intervals; None is all.

        Intervals alone ask for bars alone; `types` says which of bars, ticks and quotes are selected.
        """
        return cls(_pairs(symbols, intervals if types is None else channels(types, intervals)))

    @property
    def all(self) -> bool:
        return (ANY, ANY) in self.pairs

    def symbols(self, channel: str) -> frozenset[str] | None:
        """The symbols selected of a channel; None is all."""
        return _symbols(self.pairs, channel)

    def bar(self, bar: dict[str, Any]) -> bool:
        symbols = self.symbols(bar["interval"])
        return symbols is None or bar["symbol"] in symbols

    def touches(self, frame: Frame) -> bool:
        """Whether anything of the frame is selected; days that open and close always are."""
        if self.all or frame.extras:
            return True
        blocks: list[BarBlock | TickBlock] = [*frame.ticks, *frame.blocks]
        for block in blocks:
            symbols = self.symbols(block.channel)
            if symbols is None or not symbols.isdisjoint(block.symbols):
                return True
        return False

    def wire(self, frame: Frame) -> dict[str, Any]:
        """The frame in wire form with what is selected of it; id and hash stay."""
        if self.all:
            return frame.wire()
        return frame.wire_of(self.symbols)

    def json(self, frame: Frame) -> bytes:
        """`wire` as JSON."""
        return orjson.dumps(self.wire(frame))

    def adding(self, symbols: Collection[str] | None, intervals: Collection[str] | None) -> Selection:
        return Selection(self.pairs | _pairs(symbols, intervals))

    def without(self, symbols: Collection[str] | None, intervals: Collection[str] | None) -> Selection:
        """Raises NotSubscribed where a part of `*` is to go: that leaves no set of pairs."""
        gone = _pairs(symbols, intervals)
        left = frozenset(pair for pair in self.pairs if not any(_covers(wide, pair) for wide in gone))
        for pair in gone:
            if wider := next((kept for kept in left if _covers(kept, pair)), None):
                raise NotSubscribed(
                    f"{' '.join(pair)} is part of the subscription {' '.join(wider)!r}: "
                    "unsubscribe that, then subscribe to what is to stay."
                )
        return Selection(left)

    def listed(self) -> list[list[str]]:
        return sorted(map(list, self.pairs))


def _pairs(symbols: Iterable[str] | None, intervals: Iterable[str] | None) -> frozenset[Pair]:
    return frozenset(product([ANY] if symbols is None else symbols, [ANY] if intervals is None else intervals))


def channels(types: Collection[str], intervals: Collection[str] | None = None) -> list[str]:
    """The channels of stream types, bars in these intervals only."""
    bars = [BARS] if intervals is None else list(intervals)
    return [kind for kind in TICKS if kind in types] + (bars if BARS in types else [])


def _covers(wide: Pair, pair: Pair) -> bool:
    return wide[0] in (ANY, pair[0]) and _holds(wide[1], pair[1])


def _holds(wide: str, channel: str) -> bool:
    """Whether a channel is the wider one, or a part of it."""
    return wide in (ANY, channel) or (wide == BARS and channel not in (*TICKS, ANY))


@lru_cache(maxsize=4096)
def _symbols(pairs: frozenset[Pair], channel: str) -> frozenset[str] | None:
    found = frozenset(symbol for symbol, of in pairs if _holds(of, channel))
    return None if ANY in found else found
