"""A day's bars as records in the order in which they become known: a layer for each interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from marketdata.calendar import TradingDay
from marketdata.columns import BarColumns, Floats, Ints
from marketdata.columns.bar_columns import BAR_VALUES
from marketdata.derive import derive_many
from marketdata.hours import DAY_PARTS, DayPart
from marketdata.kinds import KINDS, DayKind
from streaming.engine.frames.distinct import distinct
from streaming.engine.frames.laying_out import Blocks, Texts
from streaming.engine.frames.layout import PART_SHIFT, RECORDS, SYNTHETIC, WORD
from streaming.engine.tape.corrections import Part

VALUES = len(BAR_VALUES)
MASK_BITS = 63
"""Symbols of which a word holds a bit each."""
RECORD_WORDS = RECORDS[DayKind.BARS].itemsize // WORD
NUMBER = KINDS[DayKind.BARS].frame_number


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """All bars of one interval, sorted by the minute at whose end they are known, then by symbol."""

    width: int
    symbol: NDArray[np.int32]
    start: Ints
    end: Ints
    records: Ints
    """Records as `layout` has them, in words: the seven values, then `n_present`."""
    n_expected: Ints
    first: NDArray[np.intp]
    """Row range of minute k: `first[k]:first[k + 1]`; k counts from where the day begins to be played."""

    @property
    def values(self) -> Floats:
        """float64, shape (7, rows)."""
        return self.records.view(np.float64)[:, :VALUES].T

    @property
    def n_present(self) -> Ints:
        return self.records[:, VALUES]

    def blocks(
        self, minutes: Ints, frame: Ints, mask: NDArray[np.bool_] | None, names: Sequence[bytes], day: Day
    ) -> Blocks | None:
        """The blocks of some minutes that follow each other; `frame`: where each minute's goes."""
        low, high = self.first[minutes], self.first[minutes + 1]
        rows = slice(int(low[0]), int(high[-1]))
        symbol, records, counts = self.symbol[rows], self.records[rows], high - low
        if mask is not None:
            kept = mask[symbol]
            before = np.concatenate([[0], np.cumsum(kept)])
            counts = before[high - rows.start] - before[low - rows.start]
            symbol, records = symbol[kept], records[kept]
        there = np.flatnonzero(counts)
        if not len(there):
            return None
        counts, low = counts[there], low[there]
        texts = Texts()
        start = self.start[low]
        return Blocks(
            NUMBER,
            frame[there],
            counts,
            records,
            _flags(start, day),
            _numbers(texts, symbol, counts, names),
            texts,
            self.width,
            day.open_ms + start * 1000,
            day.open_ms + self.end[low] * 1000,
            self.n_expected[low],
        )


@dataclass(frozen=True, slots=True)
class Day:
    """What blocks of a day have in common."""

    open_ms: int
    minutes: int
    synthetic: bool


def _flags(start: Ints, day: Day) -> Ints:
    pre, regular, post = (DAY_PARTS.index(part) for part in (DayPart.PRE, DayPart.REGULAR, DayPart.POST))
    part = np.where(start < 0, pre, np.where(start < day.minutes * 60, regular, post))
    return (part << PART_SHIFT) | (SYNTHETIC if day.synthetic else 0)


def _numbers(texts: Texts, symbol: NDArray[np.int32], counts: Ints, names: Sequence[bytes]) -> Ints:
    """The text of each block's symbols; most minutes have the same as the one before."""
    if len(names) < MASK_BITS:
        return _numbers_of_few(texts, symbol, counts, names)
    raw, known, size = symbol.tobytes(), dict[bytes, int](), symbol.itemsize
    ends = np.cumsum(counts)
    found = []
    for low, high in zip((ends - counts).tolist(), ends.tolist(), strict=True):
        key = raw[low * size : high * size]
        number = known.get(key)
        if number is None:
            number = known[key] = texts.number(b"\n".join([names[i] for i in symbol[low:high].tolist()]))
        found.append(number)
    return np.array(found, np.int64)


def _numbers_of_few(texts: Texts, symbol: NDArray[np.int32], counts: Ints, names: Sequence[bytes]) -> Ints:
    """Likewise: a bit for each symbol says of many minutes at once which have the same."""
    starts = np.cumsum(counts) - counts
    masks = np.bitwise_or.reduceat(np.int64(1) << symbol.astype(np.int64), starts)
    first, of = distinct(masks)
    blocks = (symbol[starts[place] : starts[place] + counts[place]].tolist() for place in first.tolist())
    numbers = [texts.number(b"\n".join([names[i] for i in block])) for block in blocks]
    return np.array(numbers, np.int64)[of]


class Layers:
    """Makes the layers of a day: minutes, then the intervals derived from them."""

    def __init__(self, day: TradingDay, parts: Sequence[Part], symbols: Sequence[str], *, spliced: bool) -> None:
        self.day, self.parts, self.spliced = day, parts, spliced
        self.minutes = day.minutes_before + day.minutes + day.minutes_after
        places = {symbol: place for place, symbol in enumerate(symbols)}
        self.symbol = np.array([places[part.symbol] for part in parts], dtype=np.int64)

    def made(self, widths: Sequence[int]) -> list[Layer]:
        merged, group = _concatenate([part.bars for part in self.parts])
        derived = [self._derived(merged, group, width) for width in sorted(set(widths) - {1})]
        return [self._base(merged, group), *derived]

    def _base(self, bars: BarColumns, group: Ints) -> Layer:
        ones = np.ones(len(bars), np.int64)
        return self._layer(1, group, bars, bars.offset + 60, ones, ones)

    def _derived(self, bars: BarColumns, group: Ints, width: int) -> Layer:
        day = self.day
        around = {"before": day.minutes_before, "after": day.minutes_after}
        derived, of = derive_many(bars, group, day.minutes, width, **around, midday=day.midday)
        return self._layer(width, of, derived.columns, derived.end_offset, derived.n_present, derived.n_expected)

    def _layer(self, width: int, group: Ints, bars: BarColumns, end: Ints, present: Ints, expected: Ints) -> Layer:
        bars, end, present, expected, group = self._played(bars, end, present, expected, group)
        # Rows come by symbol: a stable sort by minute keeps that order, and numpy sorts sixteen bits by counting.
        minute = (end // 60 + self.day.minutes_before).astype(np.uint16)
        order = np.argsort(minute, kind="stable")
        records = np.empty((len(order), RECORD_WORDS), np.int64)
        values = records.view(np.float64)
        for column, name in enumerate(BAR_VALUES):
            values[:, column] = getattr(bars, name)[order]
        records[:, VALUES] = present[order]
        return Layer(
            width,
            group[order].astype(np.int32),
            bars.offset[order],
            end[order],
            records,
            expected[order],
            np.searchsorted(minute[order], np.arange(self.minutes + 2)),
        )

    def _played(
        self, bars: BarColumns, end: Ints, present: Ints, expected: Ints, part: Ints
    ) -> tuple[BarColumns, Ints, Ints, Ints, Ints]:
        """The rows that are played of a symbol's several versions; parts become symbols."""
        if not self.spliced:
            return bars, end, present, expected, self.symbol[part]
        bounds = zip(*((part.low, part.high) for part in self.parts), strict=True)
        low, high = (np.array(bound, dtype=np.int64)[part] for bound in bounds)
        kept = (end > low * 60) & (end <= high * 60)
        return bars.take(kept), end[kept], present[kept], expected[kept], self.symbol[part][kept]


def _concatenate(days: Sequence[BarColumns]) -> tuple[BarColumns, Ints]:
    """All days' columns end to end, and for each row the index of the day that it came from."""
    if not days:
        raise ValueError("A tape needs at least one instrument's day.")
    group = np.repeat(np.arange(len(days), dtype=np.int64), [len(day) for day in days])
    columns = (np.concatenate([getattr(day, field.name) for day in days]) for field in fields(BarColumns))
    return BarColumns(*columns), group
