"""A day's bars as records in the order in which they become known: a layer for each interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
FEW = 8
"""Symbols of which most minutes have all."""
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
        self, minutes: Ints, frame: Ints, mask: NDArray[np.bool_] | None, names: Names, day: Day
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


class Names:
    """A tape's symbols, ascending, as the texts of blocks have them: a line each."""

    def __init__(self, symbols: Sequence[str]) -> None:
        self.each = [symbol.encode() for symbol in symbols]
        self.lines = np.array([name + b"\n" for name in self.each])
        """Filled up with zeros, which no symbol has."""
        self.lengths = np.array([len(name) + 1 for name in self.each])

    def __len__(self) -> int:
        return len(self.each)


def _numbers(texts: Texts, symbol: NDArray[np.int32], counts: Ints, names: Names) -> Ints:
    """The number of the text of each block's symbols."""
    if len(names) <= FEW:
        return _numbers_of_few(texts, symbol, counts, names)
    lines = names.lines.take(symbol).tobytes().translate(None, b"\0")
    ends = np.cumsum(names.lengths.take(symbol))[np.cumsum(counts) - 1].tolist()
    found, begin = [], 0
    for end in ends:
        found.append(texts.number(lines[begin : end - 1]))
        begin = end
    return np.array(found, np.int64)


def _numbers_of_few(texts: Texts, symbol: NDArray[np.int32], counts: Ints, names: Names) -> Ints:
    """Likewise: most minutes have the same ones, and a bit for each symbol says of many at once which do."""
    starts = np.cumsum(counts) - counts
    masks = np.bitwise_or.reduceat(np.int64(1) << symbol.astype(np.int64), starts)
    first, of = distinct(masks)
    blocks = (symbol[starts[place] : starts[place] + counts[place]].tolist() for place in first.tolist())
    numbers = [texts.number(b"\n".join([names.each[i] for i in block])) for block in blocks]
    return np.array(numbers, np.int64)[of]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Bars of one interval, part by part, each in time order; arrays have a row per bar."""

    width: int
    part: Ints
    """Which of the parts each is of."""
    start: Ints
    end: Ints
    records: Ints
    n_expected: Ints

    def take(self, kept: NDArray[np.bool_]) -> Rows:
        columns = (self.part, self.start, self.end, self.records, self.n_expected)
        return Rows(self.width, *(column[kept] for column in columns))


class Layers:
    """Makes the layers of a day: minutes, then the intervals derived from them."""

    def __init__(self, day: TradingDay, parts: Sequence[Part], symbols: Sequence[str], *, spliced: bool) -> None:
        self.day, self.parts, self.spliced = day, parts, spliced
        self.minutes = day.minutes_before + day.minutes + day.minutes_after
        places = {symbol: place for place, symbol in enumerate(symbols)}
        self.symbol = np.array([places[part.symbol] for part in parts], dtype=np.int64)

    def made(self, widths: Sequence[int]) -> list[Layer]:
        minutes = _minutes([part.bars for part in self.parts])
        derived = [self._derived(minutes, width) for width in sorted(set(widths) - {1})]
        return [self._layer(rows) for rows in (minutes, *derived)]

    def _derived(self, minutes: Rows, width: int) -> Rows:
        day, values = self.day, minutes.records.view(np.float64)[:, :VALUES].T
        around = {"before": day.minutes_before, "after": day.minutes_after}
        bars = BarColumns(minutes.start, *values)
        derived, of = derive_many(bars, minutes.part, day.minutes, width, **around, midday=day.midday)
        records = _records([derived.columns])
        records[:, VALUES] = derived.n_present
        return Rows(width, of, derived.columns.offset, derived.end_offset, records, derived.n_expected)

    def _layer(self, rows: Rows) -> Layer:
        if self.spliced:
            rows = self._played(rows)
        # Rows come by symbol: a stable sort by minute keeps that order, and numpy sorts sixteen bits by counting.
        minute = (rows.end // 60 + self.day.minutes_before).astype(np.uint16)
        order = np.argsort(minute, kind="stable")
        first = np.zeros(self.minutes + 2, np.intp)
        np.cumsum(np.bincount(minute, minlength=self.minutes + 1)[: self.minutes + 1], out=first[1:])
        return Layer(
            rows.width,
            self.symbol[rows.part[order]].astype(np.int32),
            rows.start[order],
            rows.end[order],
            rows.records.take(order, axis=0),
            rows.n_expected[order],
            first,
        )

    def _played(self, rows: Rows) -> Rows:
        """Those that are played of a symbol's several versions."""
        bounds = zip(*((part.low, part.high) for part in self.parts), strict=True)
        low, high = (np.array(bound, dtype=np.int64)[rows.part] for bound in bounds)
        return rows.take((rows.end > low * 60) & (rows.end <= high * 60))


def _minutes(days: Sequence[BarColumns]) -> Rows:
    if not days:
        raise ValueError("A tape needs at least one instrument's day.")
    part = np.repeat(np.arange(len(days), dtype=np.int64), [len(day) for day in days])
    start, records = np.concatenate([day.offset for day in days]), _records(days)
    records[:, VALUES] = 1
    return Rows(1, part, start, start + 60, records, np.ones(len(start), np.int64))


def _records(days: Sequence[BarColumns]) -> Ints:
    """The days' bars end to end, but for how many minutes each has: straight into rows, which are sorted as such."""
    records = np.empty((sum(map(len, days)), RECORD_WORDS), np.int64)
    values = records.view(np.float64)
    for column, name in enumerate(BAR_VALUES):
        np.concatenate([getattr(day, name) for day in days], out=values[:, column])
    return records
