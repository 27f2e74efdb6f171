"""Gaps against the calendar's minutes. An absent minute is not yet a gap in the source: see the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np

GAP_LETTERS = "AMH"


@dataclass(frozen=True, slots=True)
class Gap:
    """Session minutes `start_minute` up to, not including, `end_minute`, all of one letter."""

    start_minute: int
    end_minute: int
    letter: str


def find_gaps(ledger: str, minutes_over: int) -> list[Gap]:
    """Runs of minutes without a bar that nobody has proven to be without a trade."""
    gaps, at = [], 0
    for letter, run in groupby(ledger[:minutes_over]):
        length = sum(1 for _ in run)
        if letter in GAP_LETTERS:
            gaps.append(Gap(at, at + length, letter))
        at += length
    return gaps


def feed_holes(ledgers: Mapping[str, str]) -> list[int]:
    """Minutes that are absent in every symbol at once: the feed's hole, not a quiet market."""
    if not ledgers:
        return []
    letters = np.array([np.frombuffer(ledger.encode(), np.uint8) for ledger in ledgers.values()])
    without = np.isin(letters, [ord(letter) for letter in "AM"])
    return [int(minute) for minute in np.flatnonzero(without.all(axis=0))]
