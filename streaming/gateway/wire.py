"""A frame on its way to sockets: each message encoded once for each codec, each selection of them put together once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from marketdata.columns import BarColumns
from streaming.frames import BarBlock, Frame
from streaming.gateway.channels import ALL, Channels
from streaming.gateway.codecs import Codec, Message
from streaming.gateway.daily import DailyBars, Values
from streaming.gateway.days import filled
from streaming.gateway.moments import SECOND

MOST_ITEMS = 500
"""Of one message: the broker's client refuses a megabyte, and what a handler drops should be little."""
NS_PER_MS = SECOND // 1000
Event = tuple[str, dict[str, Any], int]
"""Symbol, message without its time, time in ns."""


def minute_block(frame: Frame) -> BarBlock | None:
    return next((block for block in frame.blocks if isinstance(block, BarBlock) and block.width == 1), None)


def complete(block: BarBlock) -> np.ndarray:
    """The block's columns with numbers where the source has none."""
    columns = filled(BarColumns(np.empty(0, np.int64), *block.columns))
    names = ("open", "high", "low", "close", "volume", "trade_count", "vwap")
    return np.stack([getattr(columns, name) for name in names])


def bar(kind: str, symbol: str, values: Values) -> dict[str, Any]:
    o, h, low, c, v, n, vw = values
    return {"T": kind, "S": symbol, "o": o, "h": h, "l": low, "c": c, "v": int(v), "n": int(n), "vw": vw}


class Outgoing:
    """What one frame holds for sockets."""

    def __init__(self, frame: Frame, daily: DailyBars | None) -> None:
        self.frame, self.daily = frame, daily
        self.block = minute_block(frame)
        self.encoded: dict[tuple[str, str], list[tuple[str, bytes]]] = {}
        self.events: dict[str, Callable[[], Iterator[Event]]] = {
            "bars": self._bars,
            "updatedBars": self._updated_bars,
            "dailyBars": self._daily_bars,
        }

    def messages(self, codec: Codec, channels: Channels) -> list[Message]:
        """For sockets that want exactly these channels: in the order in which things became known."""
        items: list[bytes] = []
        for name in self.events:
            if wanted := channels[name]:
                items += _chosen(self._encoded(codec, name), wanted)
        return [codec.message(part) for part in _parts(items)]

    def _encoded(self, codec: Codec, channel: str) -> list[tuple[str, bytes]]:
        key = (codec.name, channel)
        if key not in self.encoded:
            events = self.events[channel]()
            self.encoded[key] = [(symbol, codec.item({**told, "t": codec.stamp(ns)})) for symbol, told, ns in events]
        return self.encoded[key]

    def _bars(self) -> Iterator[Event]:
        if self.block is None:
            return
        stamp = self.block.start_ms * NS_PER_MS
        for symbol, values in zip(self.block.symbols, complete(self.block).T.tolist(), strict=True):
            yield symbol, bar("b", symbol, values), stamp

    def _daily_bars(self) -> Iterator[Event]:
        if self.block is None or self.daily is None:
            return
        for symbol in self.block.symbols:
            if values := self.daily.values.get(symbol):
                yield symbol, bar("d", symbol, values), self.daily.stamp

    def _updated_bars(self) -> Iterator[Event]:
        """Bars that were corrected or filled after they had gone out."""
        return iter(())


def _chosen(events: Iterable[tuple[str, bytes]], wanted: frozenset[str]) -> list[bytes]:
    if ALL in wanted:
        return [item for _, item in events]
    return [item for symbol, item in events if symbol in wanted]


def _parts(items: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (items[i : i + MOST_ITEMS] for i in range(0, len(items), MOST_ITEMS))
