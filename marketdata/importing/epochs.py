"""Numbers that count time since 1970, each in the unit that its size says."""

from __future__ import annotations

import numpy as np
import pandas as pd

from marketdata.columns import Ints

UNITS = ((10**17, 1, "ns"), (10**14, 1_000, "µs"), (10**11, 1_000_000, "ms"), (0, 1_000_000_000, "s"))
"""From which size on a number counts nanoseconds, microseconds, …, seconds; and a unit's nanoseconds."""
MOST = 9 * 10**18
UNREAD = np.iinfo(np.int64).min


def epoch_nanoseconds(raw: pd.Series) -> tuple[Ints, str]:
    """Nanoseconds since the epoch, `UNREAD` where there is no number; and the units, as a row may have its own."""
    there = raw.notna().to_numpy()
    at = np.full(len(raw), UNREAD)
    values = raw[there].to_numpy(dtype=np.int64 if _is_whole(raw) else np.float64)
    found = np.full(len(values), UNREAD)
    units = []
    above = float("inf")
    for least, factor, name in UNITS:
        rows = (np.abs(values) >= least) & (np.abs(values) < above) & (np.abs(values) < MOST)
        above = least
        if rows.any():
            found[rows] = _scaled(values[rows], factor)
            units.append(name)
    at[there] = found
    return at, f"{' and '.join(units) or 'numbers'} since the epoch"


def _is_whole(raw: pd.Series) -> bool:
    return bool(pd.api.types.is_integer_dtype(raw))


def _scaled(values: np.ndarray, factor: int) -> Ints:
    """Whole parts and fractions apart: a product of floats would lose the last digits."""
    whole = np.floor(values)
    rest = np.round((values - whole) * factor) if values.dtype.kind == "f" else 0
    return np.asarray(whole.astype(np.int64) * factor + np.asarray(rest).astype(np.int64))
