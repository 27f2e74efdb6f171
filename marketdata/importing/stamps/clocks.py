"""Times of day in a column of their own: written as clocks, as bare digits, or counted since midnight."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.columns import Ints
from marketdata.importing.base.refusals import UnreadableFile

FULL = r"\d{4}-\d\d-\d\d[ T]\d{1,2}:\d\d.*|\d{10,19}"
"""What needs no date beside it."""
MIDNIGHT = r"(?<=\d)[ T](?:0{1,2}:00(?::00(?:\.0+)?)?|12:00:00 AM)$"
"""What programs write behind a date that has no time."""
WRONG, SOME_WRONG = 0.2, 0.05
"""Shares of the values that are no HHMM: of counts since midnight, and of a column with a few bad ones."""
WIDTHS = ((4, "HHMM", 1440, 60_000), (6, "HHMMSS", 86_400, 1000), (9, "HHMMSSmmm", 86_400_000, 1))
"""Digits of a clock; how many of its smallest units a day has, and the milliseconds of one."""


def with_date(date: pd.Series, clock: pd.Series, path: Path) -> pd.Series:
    """Dates and times of day as one text each. Raises UnreadableFile for digits that are no times of day."""
    whole = clock.str.fullmatch(FULL)
    if whole.sum() * 2 > (clock != "").sum():
        return clock
    return date.str.replace(MIDNIGHT, "", regex=True) + " " + _clock(clock, path)


def _clock(text: pd.Series, path: Path) -> pd.Series:
    """930 and 93000, as spreadsheets leave 0930 and 09:30:00, get their nought back."""
    text = text.str.replace(r"^(\d):", r"0\1:", regex=True)
    digits = text.str.fullmatch(r"\d{1,9}(?:\.0)?")
    if digits.sum() * 2 <= (text != "").sum():
        return text
    codes, known = pd.factorize(text.where(digits, ""))
    bare = np.array([int(float(value)) if value else -1 for value in known], np.int64)
    read = np.array(_read(bare, path), dtype=object)[codes]
    return text.where(~digits, pd.Series(read, index=text.index))


def _read(values: Ints, path: Path) -> list[str]:
    """As clocks, or as what was counted since midnight, whichever all of them can be."""
    longest = len(str(values.max()))
    width, form, most, unit = next(row for row in WIDTHS if longest <= row[0])
    there = values[values >= 0]
    wrong = float((~_is_clock(there, width)).mean())
    if wrong >= WRONG and there.max() < most:
        return [_counted(int(value) * unit) if value >= 0 else "" for value in values]
    if wrong > SOME_WRONG:
        raise UnreadableFile(
            f"{path}: its times of day, {there.min()} to {there.max()}, are neither {form} nor counted since midnight: "
            "write them as 09:30:00."
        )
    return [_colons(str(value).zfill(width)) if value >= 0 else "" for value in values]


def _is_clock(values: Ints, width: int) -> np.ndarray:
    """Whether hours, minutes and seconds are possible ones."""
    if width == 9:
        values = values // 1000
    seconds = values % 100 if width > 4 else np.zeros_like(values)
    minutes = values // 100 if width > 4 else values
    return (seconds < 60) & (minutes % 100 < 60) & (minutes // 100 <= 24)


def _counted(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"


def _colons(digits: str) -> str:
    parts = ":".join(digits[at : at + 2] for at in range(0, min(len(digits), 6), 2))
    return f"{parts}.{digits[6:]}" if len(digits) > 6 else parts
