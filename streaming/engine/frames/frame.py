"""Frames: everything that becomes known at one instant. `layout` has their bytes, `laying_out` makes them."""

from __future__ import annotations

import datetime as dt
import hashlib
import struct
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import merge
from operator import itemgetter
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from marketdata.hours import DAY_PARTS, DayPart
from marketdata.kinds import DayKind
from streaming.engine.frames.bar_blocks import BarBlock
from streaming.engine.frames.frame_id import FrameId, moment, rfc3339
from streaming.engine.frames.layout import (
    BLOCK_FORMAT,
    HEAD_FORMAT,
    KIND_OF,
    MAGIC,
    PART_SHIFT,
    RECORDS,
    SYNTHETIC,
    VERSION,
    WORD,
)
from streaming.engine.frames.tick_blocks import TickBlock

HEAD, BLOCK = struct.Struct(HEAD_FORMAT), struct.Struct(BLOCK_FORMAT)
NO_CHAIN = bytes(32)
Wants = Callable[[str], Collection[str] | None]
"""Channel → the symbols that are wanted of it; None is all."""


@dataclass(slots=True, eq=False)
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
    part: DayPart = DayPart.REGULAR
    """The part of the market day; the frames of the open and of the close are the regular session's."""

    @property
    def clock(self) -> dt.datetime:
        return moment(self.id.ms)

    def wire(self, symbols: Collection[str] | None = None, intervals: Collection[str] | None = None) -> dict[str, Any]:
        """The frame as it is sent everywhere; a filtered frame keeps id and hash."""
        return self.wire_of(lambda channel: symbols if intervals is None or channel in intervals else ())

    def wire_of(self, wanted: Wants) -> dict[str, Any]:
        """In wire form, with the symbols that are wanted of each channel: an interval, `ticks` or `quotes`."""
        events, last = events_around_bars(self.extras, wanted)
        if self.ticks:
            events.extend(self._tick_events(wanted))
        for block in self.blocks:
            symbols = wanted(block.channel)
            if symbols is None or symbols:
                events.extend(block.events(symbols))
        head = {"id": str(self.id), "clock": rfc3339(self.id.ms), "hash": self.hash, "hours": self.part.value}
        return {**head, "events": events + last}

    def _tick_events(self, wanted: Wants) -> Iterator[dict[str, Any]]:
        """Trades and quotes by their own stamps; at one stamp quotes first."""
        asked = [(block, wanted(block.channel)) for block in self.ticks]
        rows = (block.events(symbols) for block, symbols in asked if symbols is None or symbols)
        return (event for _, event in merge(*rows, key=itemgetter(0)))


def events_around_bars(
    extras: Iterable[dict[str, Any]], wanted: Wants
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What stands before a frame's trades, quotes and bars, and what stands behind them."""
    before = [event for event in extras if event["type"] != "day_close" and _is_wanted(event, wanted)]
    return before, [event for event in extras if event["type"] == "day_close"]


def _is_wanted(event: dict[str, Any], wanted: Wants) -> bool:
    """Whether an event beside the blocks is wanted: only revisions are of a symbol and a channel."""
    if event["type"] != "revision":
        return True
    symbols = wanted(event["interval"])
    return symbols is None or event["symbol"] in symbols


def decode(frame_id: FrameId, body: bytes | memoryview, chain: str) -> Frame:
    """Raises ValueError, LookupError or struct.error for bytes that are no frame."""
    magic, version, part, count, _, _, prev_ms, prev_n, extras = HEAD.unpack_from(body)
    if (magic, version) != (MAGIC, VERSION):
        raise ValueError(f"Frame {frame_id} has layout {magic!r} {version}: this build reads {MAGIC!r} {VERSION}.")
    at = HEAD.size + extras
    frame = Frame(
        frame_id,
        FrameId(frame_id.generation, prev_ms, prev_n) if prev_ms >= 0 else None,
        chain,
        orjson.loads(body[HEAD.size : at]) if extras else [],
        [],
        len(body),
        [],
        DAY_PARTS[part],
    )
    for _ in range(count):
        at = _decode_block(frame, body, at)
    return frame


def _decode_block(frame: Frame, body: bytes | memoryview, at: int) -> int:
    """Add a block; returns where it ends."""
    number, flags, width, n, start_ms, end_ms, names, extra = BLOCK.unpack_from(body, at)
    kind, part, synthetic = KIND_OF[number], DAY_PARTS[flags >> PART_SHIFT], bool(flags & SYNTHETIC)
    at += BLOCK.size
    symbols = _texts(bytes(body[at : at + names]))
    words = 0 if kind == DayKind.BARS else extra
    rows = at + names + words
    rows += -(names + words) % WORD
    record = RECORDS[kind]
    if kind == DayKind.BARS:
        values = np.frombuffer(body, np.float64, n * WORD, rows).reshape(n, WORD)[:, :7].T
        present = np.frombuffer(body, np.uint16, n * record.itemsize // 2, rows)[28::32]
        frame.blocks.append(BarBlock(width, start_ms, end_ms, extra, synthetic, symbols, values, present, part))
    else:
        words_of = _texts(bytes(body[at + names : at + names + words]))
        found: NDArray[np.void] = np.frombuffer(body, record, n, rows)
        frame.ticks.append(TickBlock(kind, synthetic, symbols, found, words_of, part))
    return int(rows + n * record.itemsize)


@lru_cache(maxsize=4096)
def _texts(joined: bytes) -> tuple[str, ...]:
    """Most frames hold the same symbols as the one before: split each such list once."""
    return tuple(joined.decode().split("\n"))


def link(chain: bytes, frame_id: FrameId, body: bytes | memoryview) -> bytes:
    """The next link of the hash chain: SHA-256 over the previous one, the id and the frame's bytes."""
    return hashlib.sha256(b"".join((chain, str(frame_id).encode(), body))).digest()
