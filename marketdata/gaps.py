"""Gaps against the calendar's minutes. An absent minute is not yet a gap in the source: see the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

GAP_LETTERS = "AMH"
LEAST_TOGETHER = 3
DENSE = 0.1
"""A symbol that lacks a larger share of its minutes shares absent ones by chance."""
CHANCE = 1e-3
AROUND = 30
"""Minutes before and after one that say how many symbols are quiet then."""


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
    return [int(minute) for minute in np.flatnonzero(_without(ledgers).all(axis=0))]


def shared_holes(ledgers: Mapping[str, str], days: int = 1) -> dict[int, list[str]]:
    """Minute → the symbols that lack it, where many lack it at once, not all, and chance does not explain it.

    Of symbols that lack few minutes, as the others share absent ones by chance. As many as lack a minute are expected
    as lack one around it, or on average; the chance of more is that of Poisson's law, over all minutes and `days`.
    """
    if len(ledgers) < LEAST_TOGETHER:
        return {}
    without = _without(ledgers)
    dense = without.mean(axis=1) <= DENSE
    lacking = without[dense].sum(axis=0)
    if not len(lacking) or lacking.max() < LEAST_TOGETHER:
        return {}
    expected = np.maximum(_usual(lacking), lacking.mean())
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = np.exp(lacking - expected - lacking * np.log(lacking / expected))
    odd = (lacking >= LEAST_TOGETHER) & (lacking > expected) & (chance * len(lacking) * days < CHANCE)
    names = np.array(list(ledgers), dtype=object)
    found = np.flatnonzero(odd & ~without.all(axis=0))
    return {int(minute): names[dense & without[:, minute]].tolist() for minute in found}


def _without(ledgers: Mapping[str, str]) -> np.ndarray:
    """Symbol by minute: whether it is absent."""
    letters = np.array([np.frombuffer(ledger.encode(), np.uint8) for ledger in ledgers.values()])
    return np.isin(letters, [ord(letter) for letter in "AM"])


def _usual(lacking: np.ndarray) -> np.ndarray:
    """The median of the minutes around each: at noon more symbols are quiet than at the open."""
    around = np.pad(lacking, AROUND, mode="edge")
    return np.asarray(np.median(sliding_window_view(around, 2 * AROUND + 1), axis=1))
