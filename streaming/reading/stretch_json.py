"""Bars of many frames as JSON at once, straight from their columns: neither frames nor dicts are made on the way.

To the byte what `orjson.dumps(frame.wire_of(wanted))` gives for each frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from marketdata.columns.bar_columns import BAR_VALUES
from marketdata.hours import DAY_PARTS
from marketdata.intervals import interval_name
from marketdata.kinds import DayKind
from streaming.engine.frames.bar_blocks import PLACES_OF_COUNTS, as_whole, bar_event
from streaming.engine.frames.distinct import distinct
from streaming.engine.frames.frame import HEAD, Frame, events_around_bars
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.frames.layout import PART_SHIFT, SYNTHETIC
from streaming.engine.frames.stretch import LINK, Stretch
from streaming.reading.batches import Batch, Blocks, Ints, rows_of, stamps, together
from streaming.reading.byte_words import Words, in_rows, words_of_texts
from streaming.reading.number_words import integer_words, other_words, price_words
from streaming.reading.selection import Selection

ROWS_AT_ONCE = 4096
"""Bars of one run: whoever sends it leaves the event loop to others in between."""
FEW_BYTES = 4096
"""Of a stretch, up to which numpy's calls cost more than what they spare."""
PLACE = "\x00"
"""Stands where something goes that differs from bar to bar."""
MINUTE = 1
EXPECTED_SHIFT, FLAGS_SHIFT, MOST_FLAGS, MOST_PRESENT = 24, 16, 0xFF, 0xFFFF
"""In a number that says what stands behind a bar's values: minutes expected, flags, minutes present."""
NOTHING = b"\0"
"""A byte that JSON has nowhere: it goes before the text is sent."""
PRICES = tuple(place for place in range(len(BAR_VALUES)) if place not in PLACES_OF_COUNTS)


class Form(NamedTuple):
    """What stands around a frame's JSON: before, with its id for `%b`, and behind."""

    before: bytes
    behind: bytes


EVENTS = Form(b"id: %b\ndata: ", b"\n\n")
"""Server-sent events."""
LINE_END = "\n"
LINES = Form(b"", LINE_END.encode())
"""One frame a line: JSON has no line end of its own."""


@dataclass(frozen=True, eq=False)
class Run:
    """Frames that follow each other, as text."""

    id: FrameId
    """Its last frame's."""
    text: bytes

    @cached_property
    def lines(self) -> list[str]:
        """A frame each, where the form is `LINES`; for all who read it."""
        return self.text.decode().split(LINE_END)[:-1]


def runs(stretch: Stretch, selection: Selection, form: Form) -> Iterator[Run | Frame]:
    """Its frames that hold something selected; of those that hold nothing the last before a run's end.

    Frame by frame where trades or quotes are among them.
    """
    words = np.frombuffer(stretch.body, np.int64)
    blocks = Blocks(words, stretch, DayKind.BARS)
    if blocks.others:
        return iter(stretch.frames)
    return _Bars(stretch, blocks, blocks.batch(words, stretch), selection, form).runs()


class _Bars:
    """The bars of one stretch on their way to text."""

    def __init__(self, stretch: Stretch, blocks: Blocks, batch: Batch, selection: Selection, form: Form) -> None:
        self.stretch, self.blocks, self.selection, self.form = stretch, blocks, selection, form
        self.wanted = (lambda channel: None) if selection.all else selection.symbols
        kept = None if selection.all else self._kept(batch, blocks.table["width"], blocks.table["rows"])
        self.batch, self.counts = blocks.taken(batch, kept)
        self.rows = np.bincount(blocks.frame, self.counts, len(stretch)).astype(np.int64)
        """Of each frame."""

    def _kept(self, batch: Batch, widths: NDArray[np.uint16], counts: NDArray[np.uint32]) -> NDArray[np.bool_] | None:
        kept = np.ones(len(batch), bool)
        for width in widths[distinct(widths)[0]].tolist():
            symbols = self.wanted(interval_name(width))
            if symbols is not None and (of_symbols := rows_of(batch, symbols)) is not None:
                kept &= of_symbols | np.repeat(widths != width, counts)
        return None if kept.all() else kept

    def runs(self) -> Iterator[Run | Frame]:
        for first, last, begin, end in together(self.rows, ROWS_AT_ONCE):
            blocks = slice(*np.searchsorted(self.blocks.frame, (first, last)).tolist())
            yield from self._run(slice(first, last), blocks, slice(begin, end))

    def _run(self, frames: slice, blocks: slice, rows: slice) -> Iterator[Run | Frame]:
        leads, rest, touched = self._around(frames)
        if touched is not None:
            text = self._text(blocks, rows, leads, rest) if leads else rest
            yield Run(FrameId(self.stretch.generation, self.stretch.ms[touched], 0), text)
        if touched != frames.stop - 1:
            yield self.stretch.cut(frames.stop - 1, frames.stop).frames[0]

    def _text(self, blocks: slice, rows: slice, leads: list[tuple[int, bytes]], rest: bytes) -> bytes:
        """All bars, each frame's behind what leads to them."""
        bars = self._bars(blocks, rows)
        firsts = np.array([row for row, _ in leads])
        bars[firsts, 0] = 0  # the comma after another one
        ends = [*(firsts[1:] * bars.shape[1]).tolist(), bars.size]
        flat, begin = bars.reshape(-1).data, 0
        parts: list[bytes | memoryview] = []
        for (_, lead), end in zip(leads, ends, strict=True):
            parts += [lead, flat[begin:end]]
            begin = end
        return b"".join([*parts, rest]).translate(None, NOTHING)

    def _around(self, frames: slice) -> tuple[list[tuple[int, bytes]], bytes, int | None]:
        """What stands before the first bars of frames, by row; what stands behind the last; the last frame with any."""
        heads, extras = self._heads(frames), self._extras(frames)
        leads, pending, row, touched = [], b"", 0, None
        behind = b"]}" + self.form.behind
        for k, (head, rows) in enumerate(zip(heads, self.rows[frames].tolist(), strict=True), frames.start):
            before, after = extras.get(k, (b"", b""))
            if not (rows or k in extras or self.selection.all):
                continue
            touched = k
            if rows:
                leads.append((row, pending + head + (before and before + b",")))
                pending = (after and b"," + after) + behind
            else:
                pending += head + before + (b"," if before and after else b"") + after + behind
            row += rows
        return leads, pending, touched

    def _heads(self, frames: slice) -> Iterator[bytes]:
        stretch, generation = self.stretch, self.stretch.generation
        ms = stretch.ms[frames]
        links = stretch.chains[frames.start * LINK : frames.stop * LINK].hex().encode()
        clocks = stamps(np.asarray(ms, np.int64))
        parts = self.blocks.heads["part"][frames].tolist()
        with_id = b"%b" in self.form.before
        for k, (at, clock, part) in enumerate(zip(ms, clocks, parts, strict=True)):
            name = b"%d.%d-0" % (generation, at)
            link = links[2 * LINK * k : 2 * LINK * (k + 1)]
            before = self.form.before % name if with_id else self.form.before
            yield b'%b{"id":"%b","clock":"%b","hash":"%b","hours":"%b","events":[' % (
                *(before, name, clock.encode()),
                *(link, DAY_PARTS[part].value.encode()),
            )

    def _extras(self, frames: slice) -> dict[int, tuple[bytes, bytes]]:
        """Of frames that have any: what stands before their bars, and after them."""
        sizes = self.blocks.heads["extras"][frames]
        found = {}
        for k in np.flatnonzero(sizes).tolist():
            begin = (self.stretch.ends[frames.start + k - 1] if frames.start + k else 0) + HEAD.size
            events = orjson.loads(self.stretch.body[begin : begin + int(sizes[k])])
            before, after = events_around_bars(events, self.wanted)
            found[frames.start + k] = orjson.dumps(before)[1:-1], orjson.dumps(after)[1:-1]
        return found

    def _bars(self, blocks: slice, rows: slice) -> NDArray[np.uint8]:
        """The text of each bar behind a comma, with NULs between: shape (bars, bytes)."""
        records, table = self.batch.records[rows], self.blocks.table[blocks]
        counts = self.counts[blocks]
        first, width = distinct(table["width"])
        begins = _begins(tuple(table["width"][first].tolist()), self.batch.symbols)
        code = np.repeat(width * len(self.batch.symbols), counts) + self.batch.symbol[rows]
        pairs = zip(stamps(table["start"]), stamps(table["end"]), strict=True)
        between = words_of_texts([STAMPS % (start.encode(), end.encode()) for start, end in pairs])
        cells: list[bytes | Words] = [begins.take(code, axis=0), np.repeat(between, counts, axis=0)]
        for before, words in zip(_BEFORE_VALUES, _values(records["values"]), strict=True):
            cells += [before, *words]
        cells.append(_tails(table, counts, records["n_present"]))
        return in_rows(len(records), cells)


def _values(values: NDArray[np.float64]) -> list[list[Words]]:
    """The words of each value's texts, as JSON has them."""
    counts = np.ascontiguousarray(values[:, PLACES_OF_COUNTS].T)
    whole = as_whole(counts)
    found = dict(zip(PRICES, price_words(np.ascontiguousarray(values[:, PRICES].T)), strict=True))
    of_counts = integer_words(whole) if whole is not None else map(_mixed, counts)
    found |= zip(PLACES_OF_COUNTS, of_counts, strict=True)
    return [found[place] for place in range(len(BAR_VALUES))]


def _mixed(counts: NDArray[np.float64]) -> list[Words]:
    """Some of which are absent, or not whole."""
    with np.errstate(invalid="ignore"):
        integers = counts.astype(np.int64)
    numbers, others = other_words(integers), other_words(counts)
    found = np.zeros((len(counts), max(numbers.shape[1], others.shape[1])), np.uint64)
    whole = integers == counts
    found[whole, : numbers.shape[1]], found[~whole, : others.shape[1]] = numbers[whole], others[~whole]
    return [found]


def _tails(table: NDArray[np.void], counts: Ints, present: NDArray[np.uint16]) -> bytes | Words:
    """What stands behind the values of each bar; one text where all have the same."""
    of_block = table["extra"].astype(np.int64) << EXPECTED_SHIFT | table["flags"].astype(np.int64) << FLAGS_SHIFT
    keys = np.repeat(of_block, counts) | present
    if (keys == keys[0]).all():
        return _tail(int(keys[0]))
    first, number = distinct(keys)
    tails: Words = words_of_texts([_tail(key) for key in keys[first].tolist()]).take(number, axis=0)
    return tails


def _tail(key: int) -> bytes:
    return _words(MINUTE, key >> EXPECTED_SHIFT, key & MOST_PRESENT, key >> FLAGS_SHIFT & MOST_FLAGS)[-1]


@lru_cache(maxsize=64)
def _begins(widths: tuple[int, ...], symbols: tuple[str, ...]) -> Words:
    """How a bar begins behind another, up to where its start stands: of each width all symbols."""
    texts = []
    for width, symbol in product(widths, symbols):
        type_, interval, *_ = _words(width, 1, 1, 0)
        texts.append(b"," + type_ + orjson.dumps(symbol) + interval + b'"')
    return words_of_texts(texts)


@lru_cache(maxsize=1024)
def _words(width: int, expected: int, present: int, flags: int) -> list[bytes]:
    """What a bar's JSON has before, between and behind its symbol, its two stamps and its values."""
    values = [PLACE] * len(BAR_VALUES)
    synthetic, part = bool(flags & SYNTHETIC), DAY_PARTS[flags >> PART_SHIFT]
    bar = bar_event(PLACE, interval_name(width), PLACE, PLACE, values, present, expected, synthetic, part)
    return orjson.dumps(bar).split(orjson.dumps(PLACE))


_, _, _TO_END, _TO_VALUES, *_BETWEEN_VALUES, _ = _words(MINUTE, 1, 1, 0)
STAMPS = b'%b"' + _TO_END + b'"%b"'
_BEFORE_VALUES = (_TO_VALUES, *_BETWEEN_VALUES)
