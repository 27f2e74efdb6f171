"""Bars of many frames as dicts in wire form, converted at once: what a reader gets who wants nothing but bars."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marketdata.hours import DAY_PARTS
from marketdata.intervals import parse_interval
from streaming.engine.frames.bar_blocks import any_bar, copies, partial_copies, wire_columns
from streaming.engine.frames.layout import PART_SHIFT, SYNTHETIC
from streaming.engine.frames.stretch import Stretch
from streaming.reading.batches import Batch, Blocks, named, rows_of, stamps, together

Dicts = Iterator[dict[str, Any]]
ROWS_AT_ONCE = 512
"""Converted together: of more, the numbers as Python has them do not fit into a processor's nearest memory."""


def bar_dicts(stretch: Stretch, interval: str, symbols: Collection[str]) -> Iterator[Dicts]:
    """The bars of these symbols, block after block, each of which is to be read to its end before the next."""
    words = np.frombuffer(stretch.body, np.int64)
    blocks = Blocks(words, stretch, interval)
    batch, table = blocks.batch(words, stretch), blocks.table
    batch, counts = blocks.taken(batch, rows_of(batch, symbols))
    names = named(batch.symbols, batch.symbol)
    about = [
        stamps(table["start"]),
        stamps(table["end"]),
        table["extra"].tolist(),
        table["flags"].tolist(),
        counts.tolist(),
    ]
    bars: dict[tuple[int, int], dict[str, Any]] = {}
    width = parse_interval(interval)
    for first, last, begin, end in together(counts, ROWS_AT_ONCE):
        rows, made = _rows(batch, names, slice(begin, end))
        of_block = (column[first:last] for column in about)
        for start, ends, of, flags, count in zip(*of_block, strict=True):
            bar = bars.get((of, flags))
            if bar is None:
                part, synthetic = DAY_PARTS[flags >> PART_SHIFT], bool(flags & SYNTHETIC)
                bar = bars[of, flags] = any_bar(width, of, synthetic=synthetic, part=part)
            bar["start"], bar["end"] = start, ends
            yield made(bar, islice(rows, count))


def _rows(
    batch: Batch, names: NDArray[np.object_], part: slice
) -> tuple[Iterator[tuple[Any, ...]], Callable[[dict[str, Any], Iterable[tuple[Any, ...]]], Dicts]]:
    """The cells of each bar, and what makes dicts of them."""
    assert batch.n_expected is not None  # of bars
    records = batch.records[part]
    present = records["n_present"]
    complete = present == batch.n_expected[part]
    cells = [names[part].tolist(), *wire_columns(np.ascontiguousarray(records["values"].T))]
    if complete.all():
        return zip(*cells, strict=True), copies
    return zip(*cells, present.tolist(), complete.tolist(), strict=True), partial_copies
