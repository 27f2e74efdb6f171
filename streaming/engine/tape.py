"""The merge: one day of many instruments in the order in which it becomes known, as columns.

Order: `(available_at, quotes < trades < bars, shorter interval first, symbol, place in the source)`. Trades and quotes
are grouped by the session's clock step and go out at its end: never early, and within a step by their own stamps. Pure:
a function of the day's data, no clock; the reels alone read, as they are played.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.calendar import TradingDay
from marketdata.columns import VALUES, BarColumns, Floats, Ints
from marketdata.derive import derive_many
from streaming.engine.corrections import Correction, parts, revisions
from streaming.engine.frames import BarBlock, FrameId, encode, milliseconds
from streaming.engine.reels import Reel, Schedule
from streaming.engine.tick_blocks import TickBlock

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """All bars of one interval, sorted by the minute at whose end they are known, then by symbol."""

    width: int
    symbol: NDArray[np.intp]
    start: Ints
    end: Ints
    values: Floats
    """float64, shape (7, rows)."""
    n_present: NDArray[np.uint16]
    n_expected: Ints
    first: NDArray[np.intp]
    """Row range of minute k: `first[k]:first[k + 1]`; k counts from the open."""


class Tape:
    """A day ready to be played: an ordered sequence of instants, and for each what becomes known at it.

    Whoever plays it asks for `instant(k)`, `first_after(ms)`, `body(k, …)` and the length; where its instants lie
    is the tape's own business.
    """

    def __init__(
        self,
        day: TradingDay,
        bars: Mapping[str, BarColumns],
        widths: Sequence[int],
        synthetic: bool,
        reels: Sequence[Reel] = (),
        step_ms: int = MINUTE_MS,
        corrections: Sequence[Correction] = (),
    ) -> None:
        self.day, self.synthetic = day, synthetic
        self.symbols = sorted({*bars, *(reel.symbol for reel in reels)})
        self.open_ms, self.close_ms = milliseconds(day.open), milliseconds(day.close)
        self.bar_count = sum(len(columns) for columns in bars.values())
        self.schedule, self.step_ms = Schedule(reels), step_ms
        minutes = np.arange(day.minutes + 1) * (MINUTE_MS // step_ms)
        self.steps = np.union1d(minutes, self.schedule.step) if reels else minutes
        self._names = np.array(self.symbols, dtype=object)
        self._masked: tuple[Collection[str], NDArray[np.bool_] | None] | None = None
        self._revisions = revisions(day, bars, corrections, widths, synthetic) if corrections else {}
        self._parts = parts(bars, corrections, day.minutes)
        self._spliced = len(self._parts) > len(bars)
        self.layers = self._layers(widths) if bars else []

    def _layers(self, widths: Sequence[int]) -> list[Layer]:
        merged, group = _concatenate([part.bars for part in self._parts])
        derived = [self._derived_layer(merged, group, width) for width in sorted(set(widths) - {1})]
        return [self._base_layer(merged, group), *derived]

    @property
    def corrected(self) -> bool:
        """Whether corrections came while the day was played."""
        return bool(self._revisions)

    def __len__(self) -> int:
        """Instants of the day: the open, every minute's end, and the steps between in which something happened."""
        return len(self.steps)

    def instant(self, k: int) -> int:
        """Frame k's clock in ms; strictly ascending in k."""
        return self.open_ms + int(self.steps[k]) * self.step_ms

    def frame_id(self, k: int, generation: int) -> FrameId:
        return FrameId(generation, self.instant(k), 0)

    def first_after(self, ms: int) -> int:
        """Index of the first frame later than `ms`; `len(self)` when the day is over by then."""
        return int(np.searchsorted(self.steps, (ms - self.open_ms) // self.step_ms, "right"))

    def minutes_before(self, k: int) -> int:
        """Session minutes that are over by the last frame before k."""
        return (self.instant(k - 1) - self.open_ms) // MINUTE_MS if k else 0

    def seconds_left(self, k: int) -> float:
        """Market seconds from the last frame before k to the close."""
        return (self.close_ms - (self.instant(k - 1) if k else self.open_ms)) / 1000

    def body(self, k: int, prev: FrameId | None, active: Collection[str]) -> bytes:
        """Frame k's bytes, with what the symbols that are active at that instant have to tell.

        Empty where none of them has anything: there is then no frame k, and whoever plays goes on to the next.
        A minute's end always has a frame.
        """
        clock_ms = self.instant(k)
        minute, within = divmod(clock_ms - self.open_ms, MINUTE_MS)
        blocks: list[BarBlock | TickBlock] = []
        if self.schedule.reels:
            blocks += self._tick_blocks(int(self.steps[k]), active)
        if within == 0:
            blocks += self._blocks(minute, self._mask(active))
        elif not blocks:
            return b""
        return encode(clock_ms, prev, self._extras(clock_ms, active), blocks)

    def _tick_blocks(self, step: int, active: Collection[str]) -> Iterator[TickBlock]:
        reels = [reel for reel in self.schedule.at(step) if reel.symbol in active]
        for _, same in groupby(reels, key=attrgetter("kind")):
            rows = [(reel.symbol, reel.rows(step)) for reel in same]
            yield TickBlock.of(rows, self.open_ms * 1_000_000, self.synthetic)

    def _extras(self, clock_ms: int, active: Collection[str]) -> list[dict[str, Any]]:
        """What opens and closes the day, and between the two what earlier bars are now known to have been."""
        date = self.day.date.isoformat()
        if clock_ms == self.open_ms:
            return [{"type": "day_open", "date": date, "minutes": self.day.minutes}]
        minute, within = divmod(clock_ms - self.open_ms, MINUTE_MS)
        changed = [] if within else self._revisions.get(minute, [])
        told = [event for event in changed if event["symbol"] in active]
        return [*told, {"type": "day_close", "date": date}] if clock_ms == self.close_ms else told

    def _mask(self, active: Collection[str]) -> NDArray[np.bool_] | None:
        """Which symbols are active, None for all; asked for every frame, and nearly always the same."""
        if self._masked is None or self._masked[0] is not active:
            mask = np.array([symbol in active for symbol in self.symbols], dtype=bool)
            self._masked = active, None if mask.all() else mask
        return self._masked[1]

    def _blocks(self, minute: int, mask: NDArray[np.bool_] | None) -> Iterator[BarBlock]:
        for layer in self.layers:
            low, high = layer.first[minute], layer.first[minute + 1]
            rows: slice | NDArray[np.intp] = slice(low, high)
            if mask is not None:
                rows = low + np.flatnonzero(mask[layer.symbol[low:high]])
            names = self._names[layer.symbol[rows]]
            if len(names):
                yield BarBlock(
                    layer.width,
                    self.open_ms + int(layer.start[low]) * 1000,
                    self.open_ms + int(layer.end[low]) * 1000,
                    int(layer.n_expected[low]),
                    self.synthetic,
                    tuple(names),
                    layer.values[:, rows],
                    layer.n_present[rows],
                )

    def _base_layer(self, bars: BarColumns, group: Ints) -> Layer:
        ones = np.ones(len(bars), np.int64)
        return self._layer(1, group, bars, bars.offset + 60, ones, ones)

    def _derived_layer(self, bars: BarColumns, group: Ints, width: int) -> Layer:
        derived, of = derive_many(bars, group, self.day.minutes, width)
        return self._layer(width, of, derived.columns, derived.end_offset, derived.n_present, derived.n_expected)

    def _layer(self, width: int, group: Ints, bars: BarColumns, end: Ints, present: Ints, expected: Ints) -> Layer:
        bars, end, present, expected, group = self._told(bars, end, present, expected, group)
        # Rows come by symbol: a stable sort by minute keeps that order, and numpy sorts sixteen bits by counting.
        minute = (end // 60).astype(np.uint16)
        order = np.argsort(minute, kind="stable")
        values = np.empty((len(VALUES), len(order)))
        for row, name in enumerate(VALUES):
            np.take(getattr(bars, name), order, out=values[row], mode="clip")  # else it goes by way of a copy
        return Layer(
            width,
            group[order].astype(np.intp),
            bars.offset[order],
            end[order],
            values,
            present[order].astype(np.uint16),
            expected[order],
            np.searchsorted(minute[order], np.arange(self.day.minutes + 2)),
        )

    def _told(
        self, bars: BarColumns, end: Ints, present: Ints, expected: Ints, part: Ints
    ) -> tuple[BarColumns, Ints, Ints, Ints, Ints]:
        """Of several versions of a symbol the rows that are played; parts become symbols."""
        places = {symbol: place for place, symbol in enumerate(self.symbols)}
        symbol = np.array([places[each.symbol] for each in self._parts], dtype=np.int64)
        if not self._spliced:
            return bars, end, present, expected, symbol[part]
        low, high = (np.array(bounds, dtype=np.int64)[part] for bounds in zip(*self._bounds(), strict=True))
        kept = (end > low * 60) & (end <= high * 60)
        return bars.take(kept), end[kept], present[kept], expected[kept], symbol[part][kept]

    def _bounds(self) -> list[tuple[int, int]]:
        return [(part.low, part.high) for part in self._parts]


def _concatenate(days: Sequence[BarColumns]) -> tuple[BarColumns, Ints]:
    """All days' columns end to end, and for each row the index of the day that it came from."""
    if not days:
        raise ValueError("A tape needs at least one instrument's day.")
    group = np.repeat(np.arange(len(days), dtype=np.int64), [len(day) for day in days])
    columns = (np.concatenate([getattr(day, field.name) for day in days]) for field in fields(BarColumns))
    return BarColumns(*columns), group
