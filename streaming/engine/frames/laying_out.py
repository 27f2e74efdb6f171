"""Many frames laid out at once: sizes first, then every part of them scattered into one buffer. Pure.

A frame costs a few numpy operations shared by its stretch, whether it holds two rows or five hundred.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import orjson
from numpy.typing import NDArray

from streaming.engine.frames.frame_id import FrameId
from streaming.engine.frames.layout import BLOCK, HEAD, MAGIC, VERSION, WORD, fill, ranges

Ints = NDArray[np.int64]
HEAD_WORDS, BLOCK_WORDS = HEAD.itemsize // WORD, BLOCK.itemsize // WORD
WIDE = 24
"""Rows of a block from which on, on average, copying each block costs less than an index of all their words."""
Text = tuple[bytes, bytes]
"""Symbols and words of a block, each joined by newlines."""


class Texts:
    """Each text of a stretch once."""

    def __init__(self) -> None:
        self.numbers: dict[Text, int] = {}

    def number(self, names: bytes, words: bytes = b"") -> int:
        return self.numbers.setdefault((names, words), len(self.numbers))

    def laid_out(self) -> tuple[Ints, Ints]:
        """All texts end to end in words, and how many words each takes."""
        filled = [fill(names + words) for names, words in self.numbers]
        sizes = np.array([len(text) // WORD for text in filled], np.int64)
        return np.frombuffer(b"".join(filled), np.int64), sizes

    def lengths(self) -> Ints:
        """Bytes of each one's symbols and of its words."""
        return np.array([(len(names), len(words)) for names, words in self.numbers], np.int64).reshape(-1, 2)


@dataclass(slots=True)
class Blocks:
    """At most one block a frame, all of one kind. Arrays have a row per block, in the order of frames."""

    kind: int
    frame: Ints
    """The frame that each block is in, ascending."""
    rows: Ints
    """How many records each has; they follow each other in `records`."""
    records: Ints
    """Words, shape (rows, words of a record)."""
    flags: Ints
    text: Ints
    texts: Texts
    width: int = 0
    start: Ints | int = 0
    end: Ints | int = 0
    expected: Ints | None = None
    """Bars expected in each bar; None of trades and quotes, whose blocks have words."""


@dataclass(slots=True)
class Heads:
    """What frames have whatever is in them."""

    ms: Ints
    part: NDArray[np.uint8]
    prev: FrameId | None
    """The frame before the first."""
    extras: Mapping[int, list[dict[str, object]]] = field(default_factory=dict)
    """Frame → what stands beside its blocks."""


def lay_out(heads: Heads, groups: Sequence[Blocks]) -> tuple[bytes, Ints]:
    """The frames' bytes, and where each ends. `groups` in the order in which blocks stand in a frame."""
    extras = {frame: fill(orjson.dumps(events), b" ") for frame, events in heads.extras.items()}
    sizes = np.full(len(heads.ms), HEAD_WORDS, np.int64)
    for frame, text in extras.items():
        sizes[frame] += len(text) // WORD
    after_extras = sizes.copy()
    texts = [group.texts.laid_out() for group in groups]
    taken = [
        BLOCK_WORDS + text_sizes[group.text] + group.rows * group.records.shape[1]
        for group, (_, text_sizes) in zip(groups, texts, strict=True)
    ]
    for group, words in zip(groups, taken, strict=True):
        sizes[group.frame] += words
    ends = np.cumsum(sizes)
    begins = ends - sizes
    out = np.empty(int(ends[-1]), np.int64)
    _put_heads(out, begins, heads, extras, groups)
    place = begins + after_extras
    for group, words, laid in zip(groups, taken, texts, strict=True):
        _put_blocks(out, place[group.frame], group, *laid)
        place[group.frame] += words
    return out.tobytes(), ends * WORD


def _put_heads(out: Ints, begins: Ints, heads: Heads, extras: Mapping[int, bytes], groups: Sequence[Blocks]) -> None:
    table = np.zeros(len(begins), HEAD)
    table["magic"], table["version"], table["part"], table["clock"] = MAGIC, VERSION, heads.part, heads.ms
    for group in groups:
        table["blocks"][group.frame] += 1
    table["prev_ms"][1:] = heads.ms[:-1]
    table["prev_ms"][0], table["prev_n"][0] = (heads.prev.ms, heads.prev.n) if heads.prev else (-1, 0)
    for frame, text in extras.items():
        table["extras"][frame] = len(text)
        at = int(begins[frame]) + HEAD_WORDS
        out[at : at + len(text) // WORD] = np.frombuffer(text, np.int64)
    _scatter(out, begins, table.view(np.int64).reshape(-1, HEAD_WORDS))


def _put_blocks(out: Ints, place: Ints, group: Blocks, text: Ints, text_sizes: Ints) -> None:
    table = np.zeros(len(place), BLOCK)
    lengths = group.texts.lengths()[group.text]
    table["kind"], table["flags"], table["width"], table["rows"] = group.kind, group.flags, group.width, group.rows
    table["start"], table["end"], table["names"] = group.start, group.end, lengths[:, 0]
    table["extra"] = lengths[:, 1] if group.expected is None else group.expected
    _scatter(out, place, table.view(np.int64).reshape(-1, BLOCK_WORDS))
    place = place + BLOCK_WORDS
    sizes = text_sizes[group.text]
    starts = np.cumsum(text_sizes) - text_sizes
    out[ranges(place, sizes)] = text[ranges(starts[group.text], sizes)]
    _put_records(out, place + sizes, group)


def _put_records(out: Ints, place: Ints, group: Blocks) -> None:
    width = group.records.shape[1]
    first = np.cumsum(group.rows) - group.rows
    if len(group.records) < WIDE * len(place):
        begins = np.repeat(place - first * width, group.rows)
        _scatter(out, begins + np.arange(len(group.records)) * width, group.records)
        return
    words = group.records.reshape(-1)
    bounds = zip(place.tolist(), (first * width).tolist(), (group.rows * width).tolist(), strict=True)
    for at, low, size in bounds:
        out[at : at + size] = words[low : low + size]


def _scatter(out: Ints, at: Ints, rows: Ints) -> None:
    """Rows of so many words each, to these places."""
    out[at[:, None] + np.arange(rows.shape[1])] = rows
