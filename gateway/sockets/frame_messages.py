"""A frame on its way to sockets: each message encoded once for each codec, each selection of them put together once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import merge
from operator import itemgetter
from typing import Any

import numpy as np

from gateway.data import made_ticks
from gateway.data import trade_quote_wire as tick_wire
from gateway.data.day_cache import filled
from gateway.sockets.channels import ALL, Channels
from gateway.sockets.daily_bars import DailyBars, Values
from gateway.wire.codecs import Codec, Message
from gateway.wire.moments import start_of
from gateway.wire.spelling import on_wire
from marketdata.columns import BarColumns
from marketdata.columns.bar_columns import BAR_VALUES
from marketdata.kinds import DayKind
from marketdata.units import MILLISECOND_NS
from marketdata.wire_events import whole
from streaming.engine.frames.bar_blocks import BarBlock
from streaming.engine.frames.frame import Frame
from streaming.engine.frames.tick_blocks import TickBlock

MOST_ITEMS = 500
"""The most of one message: the broker's client refuses a megabyte, and what a handler drops should be little."""
Event = tuple[int, str, dict[str, Any]]
"""Time in ns, symbol, message without its time."""
Encoded = tuple[int, str, bytes]


def minute_block(frame: Frame) -> BarBlock | None:
    return next((block for block in frame.blocks if isinstance(block, BarBlock) and block.width == 1), None)


def complete(block: BarBlock) -> np.ndarray:
    """The block's columns with numbers where the source has none."""
    columns = filled(BarColumns(np.empty(0, np.int64), *block.columns))
    return np.stack([getattr(columns, name) for name in BAR_VALUES])


def bar(kind: str, symbol: str, values: Values) -> dict[str, Any]:
    o, h, low, c, v, n, vw = values
    return {"T": kind, "S": symbol, "o": o, "h": h, "l": low, "c": c, "v": whole(v), "n": whole(n), "vw": vw}


def trade_events(block: TickBlock) -> Iterator[Event]:
    ties = tick_wire.places(block.at, block.symbol)
    reported = tick_wire.bodies(block.kind, block.values, block.codes, block.words, block.at, ties)
    for number, at, body in zip(block.symbol.tolist(), block.at.tolist(), reported, strict=True):
        symbol = block.symbols[number]
        yield at, symbol, {"T": "t", "S": symbol, **body}


class Outgoing:
    """What one frame holds for sockets."""

    def __init__(
        self,
        frame: Frame,
        daily: DailyBars | None,
        bars_alone: frozenset[str] = frozenset(),
        quotes: Sequence[Event] = (),
    ) -> None:
        """`bars_alone`: of `trades` and `quotes` those that the session does not play; they are made from its bars.

        `quotes`: what the frame's quotes are to the market.
        """
        self.frame, self.daily = frame, daily
        self.block = minute_block(frame)
        self.encoded: dict[tuple[str, str], list[Encoded]] = {}
        self.events: dict[str, Callable[[], Iterator[Event]]] = {
            "quotes": lambda: self._made("quotes") if "quotes" in bars_alone else iter(quotes),
            "trades": lambda: self._made("trades") if "trades" in bars_alone else self._trades(),
            "bars": self._bars,
            "updatedBars": self._updated_bars,
            "dailyBars": self._daily_bars,
        }

    def messages(self, codec: Codec, channels: Channels) -> list[Message]:
        """For sockets that want exactly these channels: in the order in which things became known."""
        chosen = {name: self._chosen(codec, name, channels[name]) for name in self.events if channels[name]}
        ticks = [chosen.pop(name) for name in ("quotes", "trades") if name in chosen]
        items = [item for _, _, item in merge(*ticks, key=itemgetter(0))]
        items += [item for events in chosen.values() for _, _, item in events]
        return [codec.message(items[i : i + MOST_ITEMS]) for i in range(0, len(items), MOST_ITEMS)]

    def _chosen(self, codec: Codec, channel: str, wanted: frozenset[str]) -> list[Encoded]:
        events = self._encoded(codec, channel)
        return events if ALL in wanted else [event for event in events if event[1] in wanted]

    def _encoded(self, codec: Codec, channel: str) -> list[Encoded]:
        key = (codec.name, channel)
        if key not in self.encoded:
            events = ((ns, on_wire(symbol), reported) for ns, symbol, reported in self.events[channel]())
            self.encoded[key] = [
                (ns, symbol, codec.item({**reported, "S": symbol, "t": codec.stamp(ns)}))
                for ns, symbol, reported in events
            ]
        return self.encoded[key]

    def _trades(self) -> Iterator[Event]:
        return (event for block in self.frame.ticks if block.kind == DayKind.TRADES for event in trade_events(block))

    def _made(self, kind: str) -> Iterator[Event]:
        """One trade or quote a bar, at its end."""
        if self.block is not None:
            closes = self.block.columns[BAR_VALUES.index("close")].tolist()
            for symbol, close in zip(self.block.symbols, closes, strict=True):
                body = made_ticks.of_close(kind, close)
                yield self.block.end_ms * MILLISECOND_NS, symbol, {"T": kind[0], "S": symbol, **body}

    def _bars(self) -> Iterator[Event]:
        if self.block is None:
            return
        stamp = self.block.start_ms * MILLISECOND_NS
        for symbol, values in zip(self.block.symbols, complete(self.block).T.tolist(), strict=True):
            yield stamp, symbol, bar("b", symbol, values)

    def _daily_bars(self) -> Iterator[Event]:
        if self.block is None or self.daily is None:
            return
        for symbol in self.block.symbols:
            if values := self.daily.values.get(symbol):
                yield self.daily.stamp, symbol, bar("d", symbol, values)

    def _updated_bars(self) -> Iterator[Event]:
        """Minutes that were corrected or filled after they had gone out; the broker has no word for one taken back."""
        for event in self.frame.extras:
            if event["type"] == "revision" and event["interval"] == "1m" and event["open"] is not None:
                symbol = event["symbol"]
                yield start_of(event["start"]), symbol, bar("u", symbol, _given_values(event))


def _given_values(event: Mapping[str, Any]) -> Values:
    """An event's numbers, with numbers where the source has none."""
    columns = (np.array([event[name]], np.float64) for name in BAR_VALUES)
    row = filled(BarColumns(np.empty(0, np.int64), *columns))
    return [float(getattr(row, name)[0]) for name in BAR_VALUES]
