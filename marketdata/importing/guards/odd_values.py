"""Columns whose numbers say that they are something else: another average, a sum of the day, another order."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from marketdata.columns import Floats, Ints
from marketdata.columns.bar_columns import BAR_VALUES
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import Doubt, UnreadableFile

OPEN, HIGH, LOW, CLOSE, VOLUME, TRADE_COUNT, VWAP = (
    BAR_VALUES.index(name) for name in ("open", "high", "low", "close", "volume", "trade_count", "vwap")
)
DAY, MINUTE = 86_400, 60
MOST_TRADES = 1_000_000_000
NO_COUNT = 0.01
"""Share of rows in which a count of trades may be no whole number, or above the volume."""
NEAR, FEW_OUTSIDE = 1e-4, 0.1
"""Share of a price by which an average may miss its bar; share of the bars, some of whose trades are in no bar."""
LEAST_PAIRS, LEAST_STEPS, RISING = 20, 10, 0.5
"""Rows of a day beside one another that say something; different steps between them; share that rises."""
MOST_FALLS = 0.05
MORE = 2.0
"""How many times nearer prices lie to those before them in the one order of the columns than in the other."""


def is_no_count(values: Floats) -> bool:
    """Whether a column that only its place calls a count of trades seems to be another: an amount, an average price."""
    counts, volume = values[TRADE_COUNT], values[VOLUME]
    known = np.isfinite(counts)
    there = counts[known]
    if not len(there):
        return False
    if np.abs(there).max() > MOST_TRADES or (there == 0).all() or (len(there) > 1 and (there == 1).all()):
        return True
    traded = known & (volume > 0)
    above = (counts[traded] > volume[traded]).mean() if traded.any() else 0.0
    return bool((there % 1 != 0).mean() > NO_COUNT or above > NO_COUNT)


def vwap_note(values: Floats, name: str) -> str:
    """Leaves out averages that are not their bars', in place; what to say of it, and of single ones."""
    low, high, vwap = values[LOW], values[HIGH], values[VWAP]
    known = np.isfinite(vwap)
    outside = known & ((vwap < low * (1 - NEAR)) | (vwap > high * (1 + NEAR)))
    count, rows = int(outside.sum()), int(known.sum())
    if not count:
        return ""
    there = f"in {count:,} of {rows:,} bars {name} lies outside of low and high"
    if count <= FEW_OUTSIDE * rows:
        return f"{there}: kept as it is"
    values[VWAP] = np.nan
    return f"{there}, so it is no average of theirs (of the day so far, or of some bars) and is not used as vwap"


def refuse_sums(volume: Floats, stamp: Ints, symbol: Ints, form: FileForm, path: Path) -> None:
    """Raises Doubt where a column of volume sums up its day. `stamp`: UTC seconds."""
    if form.as_is or len(volume) <= LEAST_PAIRS:
        return
    if symbol.any():
        order = np.argsort(symbol, kind="stable")
        volume, stamp, symbol = volume[order], stamp[order], symbol[order]
    apart = np.diff(stamp)
    same = (np.diff(symbol) == 0) & (stamp[1:] // DAY == stamp[:-1] // DAY) & (apart != 0)
    steps = np.diff(volume)[same] * np.sign(apart[same])
    steps = steps[np.isfinite(steps)]
    if len(steps) < LEAST_PAIRS or (steps < 0).any() or (steps > 0).mean() < RISING:
        return
    if len(np.unique(steps)) >= LEAST_STEPS:
        raise Doubt(
            f"{path}: its volume never falls within a day, as a sum of the day so far does",
            "write each minute's own volume (the difference to the row before), or pass --as-is where it is",
            option="as-is",
            choices=("yes",),
        )


def refuse_swapped(values: Floats, stamp: Ints, symbol: Ints, form: FileForm, path: Path) -> None:
    """Raises UnreadableFile where columns without names seem to be close … open. `stamp`: UTC seconds."""
    if form.as_is or len(stamp) <= LEAST_PAIRS:
        return
    order = np.lexsort((stamp, symbol))
    stamp, symbol = stamp[order], symbol[order]
    opened, closed = values[OPEN][order], values[CLOSE][order]
    follows = (np.diff(symbol) == 0) & (np.diff(stamp) == MINUTE) & np.isfinite(opened[1:] + closed[:-1])
    if follows.sum() < LEAST_PAIRS:
        return
    said = np.abs(opened[1:] - closed[:-1])[follows].sum()
    other = np.abs(closed[1:] - opened[:-1])[follows].sum()
    if said > MORE * other:
        raise UnreadableFile(
            f"{path}: its columns have no names, and their order seems to be close, high, low, open: what would be the "
            "close by its place lies far from the next bar's open, and the open near to the next one's close. "
            "Pass --columns open=close,close=open where it is, or --as-is."
        )
