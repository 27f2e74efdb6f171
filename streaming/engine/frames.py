"""Frames: everything that becomes known at one instant, in one versioned binary layout.

Layout, little-endian. Head: magic "TD", version, flags, clock ms, previous frame's ms and n (ms −1: none),
block count, length of the extras. Then the extras (JSON: day_open, day_close, …) and the blocks, each a head
and columns: for bars the symbols joined by newlines, seven float64 columns and n_present as uint16; for trades and
quotes see `tick_blocks`. Blocks stand in the order quotes, trades, bars by width.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import struct
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import merge
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from marketdata.columns import Floats
from marketdata.intervals import interval_name
from streaming.engine.tick_blocks import TickBlock, decode_ticks

MAGIC, VERSION = b"TD", 1
HEAD = struct.Struct("<2sBBqqIHI")
BLOCK = struct.Struct("<BBHqqIII")
BAR, SYNTHETIC = 1, 1
COLUMNS = ("open", "high", "low", "close", "volume", "trade_count", "vwap")
NO_CHAIN = bytes(32)
Wants = Callable[[str], Collection[str] | None]
"""Channel → the symbols that are wanted of it; None is all."""


class CursorError(ValueError):
    """A cursor that is not `<generation>.<ms>-<n>`."""


class FrameId(NamedTuple):
    """Where a frame stands: the cursor of Redis, SSE, WebSocket, REST and Python alike."""

    generation: int
    ms: int
    n: int

    def __str__(self) -> str:
        return f"{self.generation}.{self.ms}-{self.n}"

    @property
    def entry(self) -> str:
        """The id within its generation's Redis stream."""
        return f"{self.ms}-{self.n}"

    @classmethod
    def parse(cls, text: str) -> FrameId:
        try:
            generation, _, entry = text.partition(".")
            ms, _, n = entry.partition("-")
            return cls(int(generation), int(ms), int(n))
        except ValueError:
            raise CursorError(
                f"{text!r} is not a cursor: it looks like 1.1731940260000-0 (<generation>.<clock in ms>-<n>)."
            ) from None


@dataclass(frozen=True, slots=True, eq=False)
class BarBlock:
    """Bars of one interval that became known at the same instant; columns of n rows, symbols ascending."""

    width: int
    start_ms: int
    end_ms: int
    n_expected: int
    synthetic: bool
    symbols: tuple[str, ...]
    columns: Floats
    """float64, shape (7, n): open, high, low, close, volume, trade_count, vwap; NaN is absent."""
    n_present: NDArray[np.uint16]

    @property
    def channel(self) -> str:
        """What a reader asks for to get these: their interval."""
        return interval_name(self.width)

    def encode(self) -> bytes:
        names = "\n".join(self.symbols).encode()
        head = BLOCK.pack(
            BAR,
            SYNTHETIC if self.synthetic else 0,
            self.width,
            self.start_ms,
            self.end_ms,
            len(self.symbols),
            self.n_expected,
            len(names),
        )
        return b"".join((head, names, self.columns.tobytes(), self.n_present.tobytes()))

    def events(self, symbols: Collection[str] | None = None) -> Iterator[dict[str, Any]]:
        """The bars in wire form, as dicts."""
        interval, start, end = interval_name(self.width), rfc3339(self.start_ms), rfc3339(self.end_ms)
        expected, synthetic = self.n_expected, self.synthetic
        rows: Iterator[tuple[Any, ...]] = zip(
            self.symbols, *wire_columns(self.columns), self.n_present.tolist(), strict=True
        )
        if symbols is not None and not set(symbols).issuperset(self.symbols):
            rows = (row for row in rows if row[0] in symbols)
        # A list in one go: this is where readers of Python bars spend their time.
        bars = [
            {
                "type": "bar",
                "symbol": symbol,
                "interval": interval,
                "start": start,
                "end": end,
                "open": opened,
                "high": high,
                "low": low,
                "close": close,
                "volume": volume,
                "trade_count": trade_count,
                "vwap": vwap,
                "n_present": present,
                "n_expected": expected,
                "complete": present == expected,
                "synthetic": synthetic,
            }
            for symbol, opened, high, low, close, volume, trade_count, vwap, present in rows
        ]
        return iter(bars)


def bar_event(
    symbol: str,
    interval: str,
    start: str,
    end: str,
    values: Sequence[Any],
    present: int,
    expected: int,
    synthetic: bool,
) -> dict[str, Any]:
    """A bar in wire form, of values as `wire_columns` gives them."""
    return {
        "type": "bar",
        "symbol": symbol,
        "interval": interval,
        "start": start,
        "end": end,
        **dict(zip(COLUMNS, values, strict=True)),
        "n_present": present,
        "n_expected": expected,
        "complete": present == expected,
        "synthetic": synthetic,
    }


def wire_columns(columns: Floats) -> list[list[Any]]:
    """What `wire_values` is for one bar, for many at once: seven columns, each converted in one go where it can be."""
    absent = [bool(np.isnan(row).any()) for row in columns]
    cells: list[list[Any]] = [
        [None if value != value else value for value in row.tolist()] if some else row.tolist()
        for row, some in zip(columns, absent, strict=True)
    ]
    for whole in (4, 5):
        if not absent[whole] and (columns[whole] == np.floor(columns[whole])).all():
            cells[whole] = columns[whole].astype(np.int64).tolist()
        else:
            cells[whole] = [int(cell) if cell is not None and cell.is_integer() else cell for cell in cells[whole]]
    return cells


def wire_values(values: list[float]) -> dict[str, float | int | None]:
    """One bar's seven values by name: absent ones None, volume and trade count whole."""
    cells: list[float | int | None] = [None if value != value else value for value in values]
    for whole in (4, 5):
        cell = cells[whole]
        if cell is not None and float(cell).is_integer():
            cells[whole] = int(cell)
    return dict(zip(COLUMNS, cells, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    id: FrameId
    prev: FrameId | None
    hash: str
    extras: list[dict[str, Any]]
    blocks: list[BarBlock]
    size: int = 0
    """Bytes that it holds in memory, for those who keep frames."""
    ticks: list[TickBlock] = field(default_factory=list)
    """Quotes, then trades."""

    @property
    def clock(self) -> dt.datetime:
        return moment(self.id.ms)

    def wire(self, symbols: Collection[str] | None = None, intervals: Collection[str] | None = None) -> dict[str, Any]:
        """The frame as every door sends it; a filtered frame keeps id and hash."""
        return self.wire_of(lambda channel: symbols if intervals is None or channel in intervals else ())

    def wire_of(self, wanted: Wants) -> dict[str, Any]:
        """In wire form, with the symbols that are wanted of each channel: an interval, `ticks` or `quotes`."""
        events = [event for event in self.extras if event["type"] != "day_close" and _is_wanted(event, wanted)]
        events.extend(self._tick_events(wanted))
        for block in self.blocks:
            symbols = wanted(block.channel)
            if symbols is None or symbols:
                events.extend(block.events(symbols))
        events.extend(event for event in self.extras if event["type"] == "day_close")
        return {"id": str(self.id), "clock": rfc3339(self.id.ms), "hash": self.hash, "events": events}

    def _tick_events(self, wanted: Wants) -> Iterator[dict[str, Any]]:
        """Trades and quotes by their own stamps; at one stamp quotes first."""
        asked = [(block, wanted(block.channel)) for block in self.ticks]
        rows = (block.events(symbols) for block, symbols in asked if symbols is None or symbols)
        return (event for _, event in merge(*rows, key=itemgetter(0)))


def _is_wanted(event: dict[str, Any], wanted: Wants) -> bool:
    """Of what stands beside the blocks only revisions are of a symbol and a channel."""
    if event["type"] != "revision":
        return True
    symbols = wanted(event["interval"])
    return symbols is None or event["symbol"] in symbols


def encode(
    clock_ms: int, prev: FrameId | None, extras: list[dict[str, Any]], blocks: Sequence[BarBlock | TickBlock]
) -> bytes:
    told = orjson.dumps(extras) if extras else b""
    prev_ms, prev_n = (prev.ms, prev.n) if prev else (-1, 0)
    head = HEAD.pack(MAGIC, VERSION, 0, clock_ms, prev_ms, prev_n, len(blocks), len(told))
    return b"".join((head, told, *(block.encode() for block in blocks)))


def decode(frame_id: FrameId, body: bytes, chain: str) -> Frame:
    magic, version, _, _, prev_ms, prev_n, count, told = HEAD.unpack_from(body)
    if (magic, version) != (MAGIC, VERSION):
        raise ValueError(f"Frame {frame_id} has layout {magic!r} {version}: this build reads {MAGIC!r} {VERSION}.")
    at = HEAD.size + told
    extras = orjson.loads(body[HEAD.size : at]) if told else []
    blocks: list[BarBlock] = []
    ticks: list[TickBlock] = []
    for _ in range(count):
        if body[at] == BAR:
            block, at = _decode_block(body, at)
            blocks.append(block)
        else:
            tick_block, at = decode_ticks(body, at)
            ticks.append(tick_block)
    prev = FrameId(frame_id.generation, prev_ms, prev_n) if prev_ms >= 0 else None
    return Frame(frame_id, prev, chain, extras, blocks, len(body), ticks)


def _decode_block(body: bytes, at: int) -> tuple[BarBlock, int]:
    _, flags, width, start_ms, end_ms, n, expected, names = BLOCK.unpack_from(body, at)
    at += BLOCK.size
    symbols = _symbols(body[at : at + names])
    at += names
    columns = np.frombuffer(body, np.float64, 7 * n, at).reshape(7, n)
    at += columns.nbytes
    present = np.frombuffer(body, np.uint16, n, at)
    at += present.nbytes
    return BarBlock(width, start_ms, end_ms, expected, bool(flags & SYNTHETIC), symbols, columns, present), at


@lru_cache(maxsize=4096)
def _symbols(names: bytes) -> tuple[str, ...]:
    """Most minutes hold the same symbols as the one before: split each such list once."""
    return tuple(names.decode().split("\n")) if names else ()


def link(chain: bytes, frame_id: FrameId, body: bytes) -> bytes:
    """The next link of the hash chain: SHA-256 over the previous one, the id and the frame's bytes."""
    return hashlib.sha256(b"".join((chain, str(frame_id).encode(), body))).digest()


def moment(ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC)


def milliseconds(moment: dt.datetime) -> int:
    return round(moment.timestamp() * 1000)


def rfc3339(ms: int) -> str:
    """RFC 3339 in UTC, with milliseconds only where there are some."""
    text = moment(ms).isoformat(timespec="milliseconds" if ms % 1000 else "seconds")
    return text.replace("+00:00", "Z")
