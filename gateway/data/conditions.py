"""Conditions of trades and quotes as the broker sends them: lists of the tapes' letters."""

from __future__ import annotations

import re
from functools import lru_cache

from broker.matching.conditions import LETTERS, MASK

REGULAR_TRADE, REGULAR_QUOTE = "@", "R"
REGULAR_MASK = "1"
QUOTE_LETTERS = {0x8: "C", 0x400: "N", 0x800: "O"}
"""Letters for LEAN's bits: closing, not firm, opening."""
SEPARATORS = re.compile(r"[ ,;|]+")
LONGEST_OF_LETTERS = 4
"""A tape reports four letters at most: a longer part is a vendor's word."""


@lru_cache(maxsize=65_536)
def of_trade(word: str) -> list[str]:
    """LEAN's mask of bits as letters, letters one by one, any other word as it is."""
    if word == REGULAR_MASK or MASK.fullmatch(word):
        return _bits(word, LETTERS) or [REGULAR_TRADE]
    return _apart(word)


@lru_cache(maxsize=65_536)
def of_quote(word: str) -> list[str]:
    """Likewise."""
    if word == REGULAR_MASK or MASK.fullmatch(word):
        return _bits(word, QUOTE_LETTERS) or [REGULAR_QUOTE]
    return _apart(word)


def _bits(word: str, letters: dict[int, str]) -> list[str]:
    bits = int(word, 16)
    return list(dict.fromkeys(letter for bit, letter in letters.items() if bits & bit))


def _apart(word: str) -> list[str]:
    parts = SEPARATORS.split(word.strip())
    found = (part if len(part) > LONGEST_OF_LETTERS else list(part) for part in parts if part)
    return list(dict.fromkeys(letter for part in found for letter in ([part] if isinstance(part, str) else part)))
