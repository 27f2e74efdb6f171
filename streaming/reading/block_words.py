"""The words of blocks - their symbols, exchanges and conditions - as numbers in one list for a whole stretch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streaming.engine.frames.distinct import distinct
from streaming.engine.frames.layout import WORD, ranges
from streaming.reading.byte_words import ROOM, words_within

Ints = NDArray[np.int64]
NEWLINE = ord("\n")
_recent: dict[np.dtype[Any], NDArray[Any]] = {}
"""The different words of the stretches before, ascending: nearly always those of the next one too."""


class BlockWords:
    """The texts of blocks, each from its begin to its end in the body; words stand between newlines."""

    def __init__(self, body: bytes, begins: Ints, ends: Ints) -> None:
        known: dict[bytes, int] = {}
        texts = (body[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True))
        self.text = np.array([known.setdefault(text, len(known)) for text in texts], np.int64)
        self.words, self.table, self.size = words_of(list(known))
        self.first = np.cumsum(self.size) - self.size

    def all(self, counts: Ints) -> NDArray[np.int32]:
        """Every word of every block, one a row."""
        if len(self.size) == len(self.text):  # each block has another text
            return self.table
        found: NDArray[np.int32] = self.table[ranges(self.first[self.text], counts)]
        return found

    def numbers(self, block: Ints, local: NDArray[np.uint16]) -> NDArray[np.int32]:
        found: NDArray[np.int32] = self.table[self.first[self.text][block] + local]
        return found


def words_of(texts: Sequence[bytes]) -> tuple[tuple[str, ...], NDArray[np.int32], Ints]:
    """All words, ascending; the number of each word of each text, end to end; how many each text has.

    At once for all texts: where a symbol is absent now and then, hardly two minutes have the same ones.
    """
    if not texts:
        return (), np.empty(0, np.int32), np.empty(0, np.int64)
    joined = np.frombuffer(b"\n".join([*texts, ROOM]), np.uint8)
    ends = np.flatnonzero(joined == NEWLINE)
    begins = np.concatenate([[0], ends[:-1] + 1])
    keys = _keys(joined, begins, ends - begins)
    lasts = np.searchsorted(ends, np.cumsum([len(text) + 1 for text in texts]) - 1)
    sizes = np.diff(lasts, prepend=-1)
    known, numbers = _numbered(keys, sizes)
    width = known.itemsize
    if width == WORD:
        known = known.astype(">u8")
    return _decoded(known.tobytes(), width), numbers.astype(np.int32), sizes


@lru_cache(maxsize=64)
def _decoded(words: bytes, width: int) -> tuple[str, ...]:
    """Mostly the same ones as before."""
    return tuple(word.decode() for word in np.frombuffer(words, f"S{width}").tolist())


def _keys(joined: NDArray[np.uint8], begins: Ints, lengths: Ints) -> NDArray[Any]:
    """Words as what is fast to compare and ascends as they do: ones of up to eight bytes as numbers."""
    rows = words_within(joined, begins, lengths)
    if rows.shape[1] == 1:
        return rows.view(">u8").ravel().astype(np.uint64)
    return rows.view(f"S{rows.shape[1] * WORD}").ravel()


def _numbered(keys: NDArray[Any], sizes: Ints) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The different ones, ascending, and the place of each among them."""
    known = _likely(keys, sizes)
    while True:
        numbers = _places(known, keys)
        others = keys[known[numbers] != keys]
        if not len(others):
            break
        known = _different(np.concatenate([known, others]))
    _recent[keys.dtype] = known
    used = np.zeros(len(known), bool)
    used[numbers] = True
    if used.all():
        return known, numbers
    if 2 * np.count_nonzero(used) < len(known):
        _recent[keys.dtype] = known[used]
    return known[used], (np.cumsum(used) - 1)[numbers]


def _likely(keys: NDArray[Any], sizes: Ints) -> NDArray[Any]:
    """Most of the different ones, ascending: those before, where they are the same, or those of the longest text."""
    longest = int(sizes.argmax())
    first = int(sizes[:longest].sum())
    sample = keys[first : first + int(sizes[longest])]
    before = _recent.get(keys.dtype)
    if before is not None:
        found = before[_places(before, sample)] == sample
        if 2 * np.count_nonzero(found) > len(sample):
            return before
    return _different(sample)


def _places(known: NDArray[Any], keys: NDArray[Any]) -> NDArray[np.intp]:
    """Where each is, if it is there."""
    return np.minimum(np.searchsorted(known, keys), len(known) - 1)


def _different(keys: NDArray[Any]) -> NDArray[Any]:
    """Each of them once, ascending."""
    first, _ = distinct(keys)
    return keys[first]
