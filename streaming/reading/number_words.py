"""Numbers as the text that orjson gives them, as words of eight bytes that numpy puts into rows column by column.

What a text leaves free of its words is NULs, wherever they are: who has all of a row takes them out at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from streaming.reading.byte_words import ROOM, Words, words_of_texts, words_within

GROUP = 10_000
"""Numbers of four digits, which are looked up: as many decimals as prices have."""
COMMA = ord(",")
LARGEST = 10**15
"""Digits up to which no two numbers are the same float, so that their own are the fewest that say which one it is."""


def _table(texts: list[bytes]) -> Words:
    found: Words = words_of_texts(texts)[:, 0]
    return found


_FULL = [b"%04d" % number for number in range(GROUP)]
_SHORT = [b"%d" % number for number in range(GROUP)]
FIRST = _table([b"", *_SHORT[1:], *_FULL])
"""Four digits before others; from `GROUP` on where others are before them."""
LAST = _table([*_SHORT, *_FULL])
"""The last four of an integer."""
DECIMALS = _table([b"." + (full.rstrip(b"0") or b"0") for full in _FULL])


def price_words(prices: NDArray[np.float64]) -> list[list[Words]]:
    """Of each column, shape (columns, rows): the words of its texts."""
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.rint(prices * GROUP)
        same = (scaled / GROUP).view(np.int64) == prices.view(np.int64)
        few = (same & (scaled >= 0) & (scaled < LARGEST)).all(axis=1)
    units, decimals = _divided(scaled[few].astype(np.int64))
    before, behind = list(_integer_words(units)), DECIMALS[decimals]
    looked_up = ([*(words[k] for words in before), behind[k]] for k in range(len(units)))
    return [next(looked_up) if is_few else [other_words(prices[k])] for k, is_few in enumerate(few.tolist())]


def integer_words(numbers: NDArray[np.int64]) -> list[list[Words]]:
    """Likewise of whole numbers."""
    if int(numbers.min(initial=0)) < 0:
        return [[other_words(column)] for column in numbers]
    made = list(_integer_words(numbers))
    return [[words[k] for words in made] for k in range(len(numbers))]


def other_words(numbers: NDArray[Any]) -> Words:
    """Of any numbers, as orjson has them: shape (rows, words)."""
    flat = np.ascontiguousarray(numbers).reshape(-1)
    text = orjson.dumps(flat, option=orjson.OPT_SERIALIZE_NUMPY)
    buffer = np.frombuffer(text[:-1] + b"," + ROOM, np.uint8)
    ends = np.flatnonzero(buffer == COMMA)
    begins = np.concatenate([[1], ends[:-1] + 1])
    return words_within(buffer, begins, ends - begins)


def _integer_words(numbers: NDArray[np.int64]) -> Iterator[Words]:
    """Four digits a word, the first ones first."""
    groups = []
    while True:
        above, group = _divided(numbers)
        groups.append(group)
        if not above.any():
            break
        numbers = above
    led = np.zeros(numbers.shape, bool)
    """Whether digits are before."""
    for group in reversed(groups[1:]):
        yield FIRST[group + led * GROUP]
        led |= group > 0
    yield LAST[groups[0] + led * GROUP if len(groups) > 1 else groups[0]]


def _divided(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    above = numbers // GROUP
    return above, numbers - above * GROUP
