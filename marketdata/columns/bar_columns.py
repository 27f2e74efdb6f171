"""A day of bars as columns."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from marketdata.kinds import KINDS, DayKind

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class BarColumns:
    """n bars of one instrument's day in time order.

    `offset`: bar start in seconds from the session's open, int64. Prices, float64, all finite. `volume`,
    `trade_count`, `vwap`: float64, NaN where the source has none (whole numbers stay exact to 2**53).
    """

    kind: ClassVar[DayKind] = DayKind.BARS

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

    @property
    def seconds(self) -> Ints:
        """The seconds of each row from the session's open."""
        return self.offset

    def content_hash(self) -> str:
        """SHA-256 over the columns' bytes; equal exactly when the bars are."""
        digest = hashlib.sha256()
        for field in fields(self):
            column = np.ascontiguousarray(getattr(self, field.name))
            if column.dtype == np.float64:
                column = np.where(np.isnan(column), np.nan, column)  # one NaN, one hash
            digest.update(column.tobytes())
        return digest.hexdigest()


BAR_VALUES = KINDS[DayKind.BARS].values


def no_bars() -> BarColumns:
    floats = np.empty(0, np.float64)
    return BarColumns(np.empty(0, np.int64), *([floats] * 7))


def join_bars(parts: Sequence[BarColumns]) -> BarColumns:
    """Days one after the other; their offsets stay each day's own."""
    names = BarColumns.__slots__
    return BarColumns(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
