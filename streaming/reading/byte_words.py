"""Texts as words of eight bytes, filled up with NULs: what numpy compares and puts into rows faster than bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streaming.engine.frames.layout import WORD

Words = NDArray[np.uint64]
"""Of one text a row, little-endian: shape (rows,), or (rows, words) of texts that take more."""
Places = NDArray[np.int64]
ROOM = bytes(WORD)
"""To stand behind the last of the texts in a buffer."""
FIRST_BYTES = np.array([(1 << 8 * length) - 1 for length in range(WORD + 1)], "<u8")
"""Masks of a word's first bytes, by how many."""


def words_needed(longest: int) -> int:
    return max(-(-longest // WORD), 1)


def words_within(buffer: NDArray[np.uint8], begins: Places, lengths: Places) -> Words:
    """Of the texts that begin there, shape (rows, words); as many bytes as a word has follow the last one."""
    needed = words_needed(int(lengths.max(initial=0)))
    at_each_byte = np.ndarray((len(buffer) - WORD + 1,), "<u8", buffer, strides=(1,))
    if needed == 1:
        alone: Words = (at_each_byte[begins] & FIRST_BYTES[lengths])[:, None]
        return alone
    found = np.empty((len(begins), needed), np.uint64)
    for k in range(needed):
        places = np.minimum(begins + k * WORD, len(at_each_byte) - 1)
        found[:, k] = at_each_byte[places] & FIRST_BYTES[np.clip(lengths - k * WORD, 0, WORD)]
    return found


def words_of_texts(texts: list[bytes]) -> Words:
    """None of them has a NUL."""
    cells = np.array(texts, bytes)
    needed = words_needed(cells.itemsize)
    return cells.astype(f"S{needed * WORD}").view("<u8").astype(np.uint64).reshape(len(texts), needed)


def in_rows(count: int, cells: Iterable[bytes | Words]) -> NDArray[np.uint8]:
    """So many rows of these cells, side by side: texts that all of them have, and words of each row.

    Where a text is shorter than others of its cell, NULs follow it.
    """
    row, columns = b"", []
    for cell in cells:
        if isinstance(cell, bytes):
            row += cell
        else:
            words = cell.reshape(count, -1)
            columns.append((len(row), words))
            row += bytes((words.shape[1] - 1) * WORD + _size(words[:, -1]))
    row += ROOM
    rows = np.empty((count, len(row)), np.uint8)
    rows[:] = np.frombuffer(row, np.uint8)
    for at, words in columns:
        size = words.shape[1] * WORD
        last = at + size - WORD
        if last > at:
            _column(rows, at, f"V{size}")[:] = words.view(f"V{size}").ravel()
        # What is free of its last word is what stands there.
        _column(rows, last, "<u8")[:] = words[:, -1] | np.uint64(int.from_bytes(row[last : last + WORD], "little"))
    return rows


def _column(rows: NDArray[np.uint8], at: int, kind: str) -> NDArray[Any]:
    return np.ndarray(len(rows), kind, rows, at, rows.strides[:1])


def _size(words: Words) -> int:
    """Bytes that the longest takes; what stands later in a text counts more in its word."""
    return -(-int(words.max()).bit_length() // 8)
