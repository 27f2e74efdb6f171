"""The bytes of a frame, little-endian and in words of eight bytes, so that many are laid out and read at once.

Head: magic "TD", version, part of the day, number of blocks, clock ms, previous frame's ms and n (ms −1: none), length
of the extras. Then the extras (JSON, filled up with spaces: day_open, day_close, …) and the blocks: a head, the texts
(symbols joined by newlines; for trades and quotes then the words likewise; filled up with zeros), and a record a row.
Blocks stand in the order quotes, trades, bars by width.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.kinds import KINDS, DayKind

MAGIC, VERSION = b"TD", 2
WORD = 8
SYNTHETIC = 1
PART_SHIFT = 1
"""In a block's flags, above the bit for synthetic data: the number of the part of the day."""

HEAD = np.dtype(
    [
        ("magic", "S2"),
        ("version", "u1"),
        ("part", "u1"),
        ("blocks", "<u2"),
        ("unused", "<u2"),
        ("clock", "<i8"),
        ("prev_ms", "<i8"),
        ("prev_n", "<u4"),
        ("extras", "<u4"),
    ]
)
BLOCK = np.dtype(
    [
        ("kind", "u1"),
        ("flags", "u1"),
        ("width", "<u2"),
        ("rows", "<u4"),
        ("start", "<i8"),
        ("end", "<i8"),
        ("names", "<u4"),
        ("extra", "<u4"),
    ]
)
"""`width`, `start`, `end` are of bars; `extra`: bars expected in each, or the length of the words."""
HEAD_FORMAT, BLOCK_FORMAT = "<2sBBHHqqII", "<BBHIqqII"
"""The same for one frame at a time."""


def _record(kind: str) -> np.dtype[Any]:
    values, codes = len(KINDS[kind].values), len(KINDS[kind].codes)
    if kind == DayKind.BARS:
        fields = [("values", "<f8", (values,)), ("n_present", "<u2")]
    else:
        fields = [("at", "<i8"), ("values", "<f8", (values,)), ("symbol", "<u2"), ("codes", "<u2", (codes,))]
        fields.append(("flags", "u1"))
    size = np.dtype(fields).itemsize
    return np.dtype([*fields, ("filled", f"V{-size % WORD}")]) if size % WORD else np.dtype(fields)


RECORDS = {kind: _record(kind) for kind in KINDS}
KIND_OF = {kind.frame_number: name for name, kind in KINDS.items()}


def fill(text: bytes, with_: bytes = b"\0") -> bytes:
    """To whole words."""
    return text + with_ * (-len(text) % WORD)


def ranges(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """`starts[i]`, `starts[i] + 1`, …, `counts[i]` of them, for each i in turn."""
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(int(counts.sum()))
