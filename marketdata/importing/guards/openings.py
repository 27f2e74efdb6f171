"""What the minutes around the open say of a stamp: whether it names its minute's start or its end."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from marketdata.columns import Floats, Ints

BEFORE, AFTER = 1, 10
"""Minutes around the open that are looked at."""
DENSE = 9
"""Of the ten minutes after the open: a symbol that lacks more says nothing by lacking the first."""
JUMP = 3.0
"""The first minute's volume is at least so many times that of the minute before it."""
LONG = 60
HALF_HOUR = 1800


class Votes(NamedTuple):
    """Days whose stamps seem to name starts, and ends."""

    start: int = 0
    end: int = 0

    @property
    def says(self) -> str:
        """One day tells a person who says otherwise; to doubt what nobody said takes two."""
        count = self.start + self.end
        if count and self.start >= 0.9 * count:
            return "start"
        return "end" if self.end >= 2 and self.end >= 0.9 * count else ""


def votes(since: Ints, day: Ints, days: int, volume: Floats) -> Votes:
    """`since`: seconds from the open, in order within each `day`, which is an index below `days`."""
    starts, ends = _around_the_open(since // 60, day, days, volume)
    whole_starts, whole_ends = _whole_half_hours(since, day, days)
    start, end = starts | whole_starts, ends | whole_ends
    return Votes(int((start & ~end).sum()), int((end & ~start).sum()))


def _around_the_open(minute: Ints, day: Ints, days: int, volume: Floats) -> tuple[np.ndarray, np.ndarray]:
    """The session begins where rows begin, or where their volume jumps. An index may lack the first minute."""
    near = (minute >= -BEFORE) & (minute <= AFTER)
    place = day[near], minute[near] + BEFORE
    there = np.zeros((days, BEFORE + AFTER + 1), dtype=bool)
    traded = np.zeros(there.shape)
    there[place] = True
    traded[place] = np.nan_to_num(volume[near])
    before, first, second = there[:, :3].T
    dense = (there[:, 2:].sum(axis=1) >= DENSE) & second
    jumps = traded[:, 1:3] >= JUMP * np.maximum(traded[:, 0:2], 1)
    start = dense & first & (~before | (jumps[:, 0] & ~jumps[:, 1]))
    end = dense & ~start & before & jumps[:, 1] & ~jumps[:, 0]
    return start, end


def _whole_half_hours(since: Ints, day: Ints, days: int) -> tuple[np.ndarray, np.ndarray]:
    """Days without a hole that begin and end on half hours, or a minute after them."""
    count = np.bincount(day, minlength=days)
    first, last = np.full(days, -1), np.full(days, -1)
    first[day[::-1]] = since[::-1]
    last[day] = since
    whole = (count >= LONG) & (last - first == 60 * (count - 1))
    start = whole & (first % HALF_HOUR == 0) & ((last + 60) % HALF_HOUR == 0)
    end = whole & ((first - 60) % HALF_HOUR == 0) & (last % HALF_HOUR == 0)
    return start, end
