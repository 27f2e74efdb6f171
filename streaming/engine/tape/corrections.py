"""Corrections: other versions of a day that came to a session while it played. Pure.

Frames up to a correction's minute hold what was known before it, later ones what it says; the first of those
also has what changed in bars that were out by then, as `revision` events with their original stamps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from marketdata.calendar import TradingDay
from marketdata.columns import BarColumns, Floats, Ints
from marketdata.columns.bar_columns import BAR_VALUES
from marketdata.derive import derive
from marketdata.intervals import interval_name
from streaming.engine.frames.bar_blocks import bar_event, wire_values
from streaming.engine.frames.frame_id import milliseconds, rfc3339


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """Symbols' bars as they are played from the minute after `after_minute` on; `from_the_start`: all of the day."""

    after_minute: int
    bars: Mapping[str, BarColumns]
    versions: Mapping[str, int]


class Part(NamedTuple):
    """One version of one symbol's bars, and the minutes at whose end its rows go out: `low` < minute ≤ `high`."""

    symbol: str
    bars: BarColumns
    low: int
    high: int


def from_the_start(day: TradingDay) -> int:
    """The `after_minute` of what is in effect from the day's first frame on."""
    return -day.minutes_before - 1


def parts(bars: Mapping[str, BarColumns], corrections: Sequence[Correction], day: TradingDay) -> list[Part]:
    """Every version of every symbol, symbols ascending, a symbol's versions in the order in which they are played."""
    found: list[Part] = []
    minutes = day.minutes + day.minutes_after
    for symbol in sorted(bars):
        low, playing = from_the_start(day), bars[symbol]
        for correction in corrections:
            if symbol in correction.bars:
                found.append(Part(symbol, playing, low, correction.after_minute))
                low, playing = correction.after_minute, correction.bars[symbol]
        found.append(Part(symbol, playing, low, minutes))
    return [part for part in found if part.low < part.high]


def revisions(
    day: TradingDay,
    bars: Mapping[str, BarColumns],
    corrections: Sequence[Correction],
    widths: Sequence[int],
    synthetic: bool,
) -> dict[int, list[dict[str, Any]]]:
    """Minute → the revision events of the frame at its end, in the order of bars: interval, symbol, stamp."""
    payload: dict[int, list[dict[str, Any]]] = {}
    playing = dict(bars)
    for correction in corrections:
        for width in sorted({1, *widths}):
            for symbol in sorted(correction.bars):
                old, new = playing.get(symbol), correction.bars[symbol]
                if old is not None and correction.after_minute > from_the_start(day):
                    made = _changed(day, width, old, new, correction.after_minute * 60)
                    events = (_event(day, symbol, width, row, correction, synthetic) for row in made)
                    payload.setdefault(correction.after_minute + 1, []).extend(events)
        playing |= correction.bars
    return payload


class Row(NamedTuple):
    """One bar; `present` 0: there is none any more."""

    start: int
    end: int
    values: list[float]
    present: int
    expected: int


def _changed(day: TradingDay, width: int, old: BarColumns, new: BarColumns, until: int) -> Iterator[Row]:
    """Bars that were out by `until` (seconds from the open) and differ in the new version."""
    before, after = _table(day, width, old, until), _table(day, width, new, until)
    for start in sorted({*before, *after}):
        if start not in after:
            yield before[start]._replace(values=[np.nan] * len(BAR_VALUES), present=0)
        elif start not in before or not _same(before[start], after[start]):
            yield after[start]


def _table(day: TradingDay, width: int, bars: BarColumns, until: int) -> dict[int, Row]:
    made = derive(bars, day.minutes, width, before=day.minutes_before, after=day.minutes_after, midday=day.midday)
    columns: list[Floats | Ints] = [getattr(made.columns, name) for name in BAR_VALUES]
    rows = zip(made.columns.offset.tolist(), made.end_offset.tolist(), strict=True)
    values = np.stack(columns).T.tolist() if len(made.columns) else []
    counts = zip(made.n_present.tolist(), made.n_expected.tolist(), strict=True)
    found = (Row(*ends, cells, *count) for ends, cells, count in zip(rows, values, counts, strict=True))
    return {row.start: row for row in found if row.end <= until}


def _same(one: Row, other: Row) -> bool:
    return one.present == other.present and np.array_equal(one.values, other.values, equal_nan=True)


def _event(
    day: TradingDay, symbol: str, width: int, row: Row, correction: Correction, synthetic: bool
) -> dict[str, Any]:
    opened = milliseconds(day.open)
    stamps = (rfc3339(opened + row.start * 1000), rfc3339(opened + row.end * 1000))
    cells = list(wire_values(row.values).values())
    event = bar_event(symbol, interval_name(width), *stamps, cells, row.present, row.expected, synthetic)
    return {**event, "type": "revision", "version": correction.versions[symbol]}
