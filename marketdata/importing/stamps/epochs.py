"""Numbers that count time since 1970, each in the unit that its size says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.columns import Floats, Ints
from marketdata.importing.base.refusals import UnreadableFile

UNITS = ((10**17, 1, "ns"), (10**14, 1_000, "µs"), (10**11, 1_000_000, "ms"), (0, 1_000_000_000, "s"))
"""From which size on a number counts nanoseconds, microseconds, …, seconds; and a unit's nanoseconds."""
MOST = 9 * 10**18
FIRST_YEAR, LAST_YEAR = 1980, 2100
OTHERS = (
    (0, 1, "parts of a day"),
    (1, 20_000, "numbers of rows, or minutes of a day"),
    (20_000, 80_000, "days since 1899-12-30, as spreadsheets count them, or seconds of a day"),
    (600_000, 900_000, "days as MATLAB counts them"),
    (1_900_000, 2_100_000, "years with the number of the day, yyyyddd"),
    (2_400_000, 2_500_000, "Julian days"),
    (20_000_000, 40_000_000, "minutes since 1970, or milliseconds of a day"),
    (40_000_000, 86_400_000, "milliseconds of a day"),
    (10**13, 3 * 10**14, "times of day, HHMMSS and nanoseconds, whose date is elsewhere"),
    (10**16, 2 * 10**17, "ticks of 100 ns since 1601"),
    (10**18, 10**19, "a count of another kind"),
)
"""What numbers that are no time since 1970 often are, by their size."""
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
        rows = (np.abs(values) >= least) & (np.abs(values) < above) & (np.abs(values) < MOST // factor)
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


def epoch_texts(text: pd.Series) -> tuple[Ints, str]:
    """The same of texts, exactly: as floats they would lose their last digits. Words are `UNREAD`."""
    parts = text.str.extract(r"^(\d{1,18})(?:\.(\d*))?$")
    there = parts[0].notna().to_numpy()
    whole = pd.to_numeric(parts[0].where(there, "0")).to_numpy(dtype=np.int64)
    at = np.full(len(text), UNREAD)
    units = []
    above = np.iinfo(np.int64).max
    for least, factor, name in UNITS:
        rows = there & (whole >= least) & (whole < above) & (whole < MOST // factor)
        above = least
        if rows.any():
            digits = len(str(factor)) - 1
            rest = pd.to_numeric("0" + parts[1][rows].fillna("").str.ljust(digits, "0").str[:digits])
            at[rows] = whole[rows] * factor + rest.to_numpy(dtype=np.int64)
            units.append(name)
    return at, f"{' and '.join(units) or 'numbers'} since the epoch"


def refuse_rounded(text: pd.Series, path: Path) -> None:
    """Raises UnreadableFile where a spreadsheet has left 1.75146E+12 of a stamp."""
    powers = text.str.extract(r"^(\d\.?\d*)[eE]\+?(\d+)$")
    there = powers[0].notna()
    if there.sum() * 2 <= (text != "").sum():
        return
    digits = powers[0][there].str.len() - 1
    if (digits < powers[1][there].astype(int)).any():
        raise UnreadableFile(
            f"{path}: its stamps, such as {text[there].iloc[0]}, were rounded by a spreadsheet: the minutes are lost. "
            "Take the file as the vendor gave it."
        )


def refuse_other_counts(at: Ints, numbers: Floats, path: Path) -> None:
    """Raises UnreadableFile where the numbers, counted since 1970, are of no year that has minutes of a market."""
    read = at[at != UNREAD]
    year = int(np.datetime64(int(np.median(read)), "ns").astype("M8[Y]").astype(int)) + 1970 if len(read) else 0
    if not len(numbers) or FIRST_YEAR <= year <= LAST_YEAR:
        return
    typical = float(np.median(numbers))
    meant = next((f" They seem to be {meaning}." for low, high, meaning in OTHERS if low <= typical < high), "")
    of = f"counted since 1970, would be of {year}" if year else "are no count of time since 1970"
    raise UnreadableFile(
        f"{path}: its stamps, such as {numbers[0]:.15g}, {of}.{meant} Write them as 2025-07-02 09:30, or "
        "count seconds, milliseconds, microseconds or nanoseconds since 1970."
    )
