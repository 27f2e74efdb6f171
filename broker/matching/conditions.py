"""Sale conditions: which trades count, and which are an auction's official print."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
from numpy.typing import NDArray

from marketdata.columns import TickColumns
from marketdata.columns.tick_columns import CORRECTED, SUSPICIOUS

NOT_VALID = frozenset("BW479CGHIMNPQRTUVZ")
"""The consolidated tapes' letters for trades that elect no stop and fill nothing."""
OPENING, CLOSING = ("O", "Q"), ("6", "M")
"""Official prints, the first that a day has."""
MASK = re.compile(r"[0-9a-fA-F]{2,}|[28]")
"""LEAN's conditions are bits in hexadecimal; a single letter or digit else is the tapes' own."""
LETTERS = {
    0x2: "C",
    0x4: "N",
    0x8: "R",
    0x40: "O",
    0x80: "6",
    0x200: "4",
    0x400: "T",
    0x2000: "T",
    0x4000: "Z",
    0x20000: "G",
    0x40000: "V",
    0x100000: "B",
    0x400000: "H",
    0x1000000: "M",
    0x2000000: "P",
    0x4000000: "Q",
    0x80000000: "I",
}


@cache
def letters(word: str) -> frozenset[str]:
    """The tapes' letters of what a source wrote: one or several, with or without separators, or a mask."""
    if MASK.fullmatch(word):
        bits = int(word, 16)
        return frozenset(letter for bit, letter in LETTERS.items() if bits & bit)
    return frozenset(word) - set(" ,;|@")


def valid(trades: TickColumns, *, regular: bool = True) -> NDArray[np.bool_]:
    """Rows that may fill and elect. Outside the regular session T does not count against a trade."""
    refused = NOT_VALID if regular else NOT_VALID - {"T"}
    good = np.array([not letters(word) & refused for word in trades.words], dtype=bool)
    flagged = (trades.flags & (SUSPICIOUS | CORRECTED)) != 0
    counted: NDArray[np.bool_] = good[trades.code("condition")] & ~flagged & (trades.value("price") > 0)
    return counted


def official(trades: TickColumns, name: str) -> int | None:
    """The row of the official print of that letter: of several the largest, then the first; None without one."""
    sound = ((trades.flags & (SUSPICIOUS | CORRECTED)) == 0) & (trades.value("price") > 0)
    words = np.array([name in letters(word) for word in trades.words], dtype=bool)
    rows = np.flatnonzero(words[trades.code("condition")] & sound)
    return int(rows[np.argmax(np.nan_to_num(trades.value("size")[rows]))]) if len(rows) else None
