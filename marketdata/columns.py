"""A day of bars as columns: the one shape that store, merge, derivation and import share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PACKED_HEAD = 8
"""Bytes before the packed columns: the first one has a bit for each that is there, the rest align what follows."""


@dataclass(frozen=True, slots=True, eq=False)
class BarColumns:
    """n bars of one instrument's day in time order.

    `offset`: bar start in seconds from the session's open, int64. Prices, float64, all finite. `volume`,
    `trade_count`, `vwap`: float64, NaN where the source has none (whole numbers stay exact to 2**53).
    """

    offset: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    trade_count: Floats
    vwap: Floats

    def __len__(self) -> int:
        return len(self.offset)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_] | slice) -> BarColumns:
        return BarColumns(*(getattr(self, field.name)[index] for field in fields(self)))

    def content_hash(self) -> str:
        """SHA-256 over the columns' bytes; equal exactly when the bars are."""
        digest = hashlib.sha256()
        for field in fields(self):
            column = np.ascontiguousarray(getattr(self, field.name))
            if column.dtype == np.float64:
                column = np.where(np.isnan(column), np.nan, column)  # one NaN, one hash
            digest.update(column.tobytes())
        return digest.hexdigest()

    def packed(self) -> bytes:
        """The bars as one block: head, the columns that are not absent throughout as float64, `offset` as int32."""
        columns = [np.asarray(getattr(self, name), "<f8") for name in VALUES]
        there = [not np.isnan(column).all() for column in columns]
        head = sum(some << bit for bit, some in enumerate(there)).to_bytes(PACKED_HEAD, "little")
        kept = (column.tobytes() for column, some in zip(columns, there, strict=True) if some)
        return b"".join((head, *kept, self.offset.astype("<i4").tobytes()))

    @classmethod
    def unpacked(cls, block: bytes, count: int) -> BarColumns:
        """What `packed` made of `count` bars; the columns are read-only views of the block."""
        absent = np.full(count, np.nan)
        columns, at = [], PACKED_HEAD
        for bit in range(len(VALUES)):
            some = block[0] >> bit & 1
            columns.append(np.frombuffer(block, "<f8", count, at) if some else absent)
            at += 8 * count * some
        return cls(np.frombuffer(block, "<i4", count, at).astype(np.int64), *columns)


VALUES = BarColumns.__slots__[1:]


def empty() -> BarColumns:
    floats = np.empty(0, np.float64)
    return BarColumns(np.empty(0, np.int64), *([floats] * 7))
