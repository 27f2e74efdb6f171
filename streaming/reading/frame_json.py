"""Frames as JSON: whole blocks of bars come straight from their columns, without a dict for each bar."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import orjson

from marketdata.columns import Floats
from marketdata.columns.bar_columns import BAR_VALUES
from marketdata.hours import DayPart
from streaming.engine.frames.bar_blocks import FEW, BarBlock, bar_event
from streaming.engine.frames.frame import Frame, Wants
from streaming.engine.frames.frame_id import rfc3339

FIELDS = ("start", "end", *BAR_VALUES)
"""What differs from bar to bar, in the order of the wire."""
COUNTS = ("volume", "trade_count")
TEXT, NUMBER = "\x00", "\x01"
"""Stand where a value goes while a template is made, in quotes or without them; no symbol has them."""
MOST_TEMPLATES = 10_000
"""The most of an interval, 300 bytes each."""


def everything(channel: str) -> None:
    """All symbols of any channel."""


def frame_json(frame: Frame, wanted: Wants) -> bytes:
    """What `orjson.dumps(frame.wire_of(wanted))` gives, to the byte."""
    bars = [_block_json(block, wanted(block.channel)) for block in frame.blocks]
    events = [_joined(frame.before_bars(wanted)), *bars, _joined(frame.after_bars)]
    return b'%b,"events":[%b]}' % (orjson.dumps(frame.head)[:-1], b",".join(filter(None, events)))


def _joined(events: list[dict[str, Any]]) -> bytes:
    return orjson.dumps(events)[1:-1]


def _block_json(block: BarBlock, symbols: Collection[str] | None) -> bytes:
    if symbols is None or set(symbols).issuperset(block.symbols):
        if len(block.symbols) >= FEW and (block.n_present == block.n_expected).all():
            columns = [_numbers(row, whole=name in COUNTS) for name, row in zip(BAR_VALUES, block.columns, strict=True)]
            if all(columns):
                return _filled(block, columns)
        symbols = None
    return _joined(list(block.events(symbols)))


def _numbers(row: Floats, *, whole: bool) -> list[bytes]:
    """A column as JSON has it; empty where some of the numbers, but not all, are absent, or counts are not whole."""
    if np.isnan(row).any():
        return [b"null"] * len(row) if np.isnan(row).all() else []
    with np.errstate(invalid="ignore"):  # beyond an integer: the comparison shows it
        numbers = row.astype(np.int64) if whole else np.ascontiguousarray(row)
    if whole and (numbers != row).any():
        return []
    return orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")


def _filled(block: BarBlock, columns: list[list[bytes]]) -> bytes:
    start, end = (rfc3339(ms).encode() for ms in (block.start_ms, block.end_ms))
    cells: list[bytes] = [start, end, *(b"",) * len(columns)] * len(block.symbols)
    for at, numbers in enumerate(columns, len(FIELDS) - len(BAR_VALUES)):
        cells[at :: len(FIELDS)] = numbers
    of = _Templates.of(block.channel, block.n_expected, block.synthetic, block.part)
    return b",".join([of[symbol] for symbol in block.symbols]) % tuple(cells)


@dataclass
class _Templates(dict[str, bytes]):
    """Symbol → what its bars have in common, with a place for each of `FIELDS`; made at the first look."""

    interval: str
    expected: int
    synthetic: bool
    part: DayPart

    @classmethod
    @cache
    def of(cls, interval: str, expected: int, synthetic: bool, part: DayPart) -> _Templates:
        return cls(interval, expected, synthetic, part)

    def __missing__(self, symbol: str) -> bytes:
        values = [NUMBER] * len(BAR_VALUES)
        bar = bar_event(symbol, self.interval, TEXT, TEXT, values, self.expected, self.expected, self.synthetic)
        if self.part != DayPart.REGULAR:
            bar["hours"] = self.part.value
        text = orjson.dumps(bar).replace(b"%", b"%%")
        made = text.replace(orjson.dumps(NUMBER), b"%b").replace(orjson.dumps(TEXT)[1:-1], b"%b")
        if len(self) >= MOST_TEMPLATES:
            self.clear()
        self[symbol] = made
        return made
