"""Trades and quotes of some clock steps as blocks of frames: read, put in order and numbered for all steps at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from marketdata.columns import Ints, join_ticks
from marketdata.hours import DAY_PARTS, DayPart
from marketdata.kinds import KINDS
from streaming.engine.frames.laying_out import Blocks, Texts
from streaming.engine.frames.layout import PART_SHIFT, RECORDS, SYNTHETIC, WORD
from streaming.engine.frames.tick_blocks import records
from streaming.engine.tape.chunk_cursor import ChunkCursor, Schedule


def tick_groups(
    schedule: Schedule, steps: Ints, active: Collection[str], open_ns: int, *, synthetic: bool
) -> list[Blocks]:
    """The blocks of steps that follow each other, by kind and part of the day; their frames count from the first."""
    cursors = [cursor for cursor in schedule.between(int(steps[0]), int(steps[-1])) if cursor.symbol in active]
    found = []
    for (kind, extended), same in groupby(cursors, key=attrgetter("kind", "extended")):
        group = _Group(kind, list(same), steps, open_ns)
        for part, rows in group.parts(extended=extended):
            flags = (SYNTHETIC if synthetic else 0) | DAY_PARTS.index(part) << PART_SHIFT
            found.append((KINDS[kind].merge_order, PLACES[part], group.blocks(rows, flags)))
    # At the open what was before it comes first, at the close what is after it last.
    found.sort(key=lambda made: made[:2])
    return [blocks for _, _, blocks in found if len(blocks.frame)]


Used = NDArray[np.bool_]
PLACES = {DayPart.PRE: 0, DayPart.REGULAR: 1, DayPart.POST: 2}


class _Group:
    """One kind's rows of either the regular session or the extended hours."""

    def __init__(self, kind: str, cursors: Sequence[ChunkCursor], steps: Ints, open_ns: int) -> None:
        first, last = int(steps[0]), int(steps[-1])
        parts = [cursor.between(first, last) for cursor in cursors]
        joined = join_ticks(kind, parts) if len(parts) > 1 else parts[0]
        number = np.repeat(np.arange(len(cursors)), [len(part) for part in parts])
        self.kind, self.words = kind, [word.encode() for word in joined.words]
        self.names = [cursor.symbol.encode() for cursor in cursors]
        self.records = records(joined, number, open_ns)
        step = cursors[0].step_of(self.records["at"] - open_ns)
        self.step, self.frame = step, np.searchsorted(steps, step)

    def parts(self, *, extended: bool) -> Iterator[tuple[DayPart, slice]]:
        if not extended:
            yield DayPart.REGULAR, slice(None)
            return
        opened = int(np.searchsorted(self.step, 0, "right"))
        yield DayPart.PRE, slice(0, opened)
        yield DayPart.POST, slice(opened, None)

    def blocks(self, rows: slice, flags: int) -> Blocks:
        frame, counts = np.unique(self.frame[rows], return_counts=True)
        block = np.repeat(np.arange(len(frame)), counts)
        made = self.records[rows].copy()
        symbols = _used(made["symbol"][:, None], block, len(frame), len(self.names))
        words = _used(made["codes"], block, len(frame), len(self.words))
        words[:, 0] = True  # the empty one
        made["symbol"] = _renumbered(made["symbol"][:, None], block, symbols)[:, 0]
        made["codes"] = _renumbered(made["codes"], block, words)
        texts, text = self._texts(symbols, words)
        return Blocks(
            KINDS[self.kind].frame_number,
            frame,
            counts,
            made.view(np.int64).reshape(len(made), RECORDS[self.kind].itemsize // WORD),
            np.full(len(frame), flags, np.int64),
            text,
            texts,
        )

    def _texts(self, symbols: Used, words: Used) -> tuple[Texts, Ints]:
        """The texts of blocks that use these, and which each has."""
        texts = Texts()
        if not len(symbols):
            return texts, np.empty(0, np.int64)
        bits = np.packbits(np.hstack([symbols, words]), axis=1)
        _, places, text = np.unique(bits.view(f"S{bits.shape[1]}").ravel(), return_index=True, return_inverse=True)
        for place in places.tolist():
            texts.number(_joined(self.names, symbols[place]), _joined(self.words, words[place]))
        return texts, text


def _used(codes: NDArray[np.uint16], block: Ints, blocks: int, words: int) -> Used:
    """Which words each block uses."""
    used = np.zeros((blocks, words), np.bool_)
    for column in codes.T:
        used[block, column] = True
    return used


def _renumbered(codes: NDArray[np.uint16], block: Ints, used: Used) -> NDArray[np.intp]:
    """Codes as indices into the words that their own block uses: whatever else is laid out, its bytes are the same."""
    return (np.cumsum(used, axis=1) - 1)[block[:, None], codes]


def _joined(words: Sequence[bytes], used: NDArray[np.bool_]) -> bytes:
    return b"\n".join([words[i] for i in np.flatnonzero(used).tolist()])
