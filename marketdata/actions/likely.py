"""Whether a price goes from one day to the next as a split would have it. A guess, shown as one and never applied."""

from __future__ import annotations

STEP = 1.5
"""Ratio of an open to the close before it from which on a split is likelier than a market move."""


def likely_split(close: float, opened: float) -> str:
    """In words; empty where the step is a market's."""
    ratio = close / opened
    if 1 / STEP < ratio < STEP:
        return ""
    return f"a split of {max(ratio, 1 / ratio):.2g} to 1?"
