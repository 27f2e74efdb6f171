"""Frames as JSON: whole blocks of bars come straight from their columns, without a dict for each bar."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache, lru_cache
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from marketdata.columns import Floats
from marketdata.columns.bar_columns import BAR_VALUES
from marketdata.hours import DayPart
from streaming.engine.frames.bar_blocks import FEW, PLACES_OF_COUNTS, BarBlock, as_whole, bar_event, has_all
from streaming.engine.frames.frame import Frame, Wants
from streaming.engine.frames.frame_id import rfc3339

PLACE = "\x00"
"""Stands where something goes that differs from bar to bar."""
MOST_BLOCKS = 64
"""Symbols of so many blocks are remembered as JSON has them: from frame to frame they stay."""


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
    if symbols is None or has_all(symbols, block.symbols):
        if len(block.symbols) >= FEW and (block.n_present == block.n_expected).all():
            columns = _columns(block.columns)
            if columns:
                return _filled(block, columns)
        symbols = None
    return _joined(list(block.events(symbols)))


def _columns(columns: Floats) -> list[list[bytes]]:
    """The seven columns as JSON has their numbers; none where some of a column, but not all, are absent, or counts are
    not whole."""
    if not np.isnan(columns).any():
        counts = as_whole(columns[4:6])
        return [] if counts is None else [*_rows(columns[:4]), *_rows(counts), *_rows(columns[6:])]
    found = [_numbers(row, whole=place in PLACES_OF_COUNTS) for place, row in enumerate(columns)]
    return found if all(found) else []


def _rows(numbers: NDArray[Any]) -> list[list[bytes]]:
    rows = orjson.dumps(np.ascontiguousarray(numbers), option=orjson.OPT_SERIALIZE_NUMPY)[2:-2].split(b"],[")
    return [row.split(b",") for row in rows]


def _numbers(row: Floats, *, whole: bool) -> list[bytes]:
    """A column; empty as above."""
    if np.isnan(row).any():
        return [b"null"] * len(row) if np.isnan(row).all() else []
    numbers = as_whole(row) if whole else row
    return [] if numbers is None else _rows(numbers[np.newaxis])[0]


def _filled(block: BarBlock, columns: list[list[bytes]]) -> bytes:
    words = _words(block.channel, block.n_expected, block.synthetic, block.part)
    begin, *between, end = words
    stamps = rfc3339(block.start_ms).encode(), rfc3339(block.end_ms).encode()
    before_open = b"%b%b%b%b%b" % (between[0], stamps[0], between[1], stamps[1], between[2])
    row = [b"", before_open]
    for word in (*between[3:], end + b"," + begin):
        row += [b"", word]
    cells = row * len(block.symbols)
    cells[:: len(row)] = _escaped(block.symbols)
    for place, numbers in enumerate(columns, 1):
        cells[2 * place :: len(row)] = numbers
    cells[-1] = end
    return begin + b"".join(cells)


@cache
def _words(interval: str, expected: int, synthetic: bool, part: DayPart) -> list[bytes]:
    """What a bar's JSON has around its symbol, its two stamps and its values: the same of all bars of a block."""
    bar = bar_event(PLACE, interval, PLACE, PLACE, [PLACE] * len(BAR_VALUES), expected, expected, synthetic)
    if part != DayPart.REGULAR:
        bar["hours"] = part.value
    place = orjson.dumps(PLACE)
    type_, symbol, between, end, *values = orjson.dumps(bar).split(place)
    return [type_ + b'"', b'"' + symbol + b'"', b'"' + between + b'"', b'"' + end, *values]


@lru_cache(maxsize=MOST_BLOCKS)
def _escaped(symbols: tuple[str, ...]) -> list[bytes]:
    return [orjson.dumps(symbol)[1:-1] for symbol in symbols]
