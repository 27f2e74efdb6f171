"""Where each symbol's day begins and ends: what distinguishes ends from starts, and a clock that is hours off."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from marketdata.calendar import NEW_YORK
from marketdata.columns import Floats, Ints
from marketdata.exchange_calendar import ExchangeCalendar
from marketdata.importing.guards.openings import Votes, votes

LEAST_ROWS = 10
"""Fewer rows of a symbol's day say nothing about its edges."""
DENSE, MOSTLY = 0.95, 0.9
"""Share of a day's minutes that are there, and of the days."""
MINUTE, HOUR = 60, 3600
MOST_SPAN = 10_000_000
EARLY = 5 * HOUR + 30 * MINUTE
"""From 04:00, when trading before the open begins, to 09:30."""
LATE = 4 * HOUR
"""From the close to 20:00, when trading after it ends."""


@dataclass(frozen=True, slots=True)
class Edges:
    """Every symbol's day with enough rows: date as an ordinal; seconds of its first row after the open and of its
    last row after the close (negative: before); and when its session opened and closed."""

    date: Ints
    first: Ints
    last: Ints
    opened: Ints
    closed: Ints
    zone: ZoneInfo
    votes: Votes
    dense: np.ndarray
    """Days that lack few of the minutes between their first and their last."""

    @property
    def starts(self) -> int:
        """Days stamped 09:30 to 15:59, or 04:00 to 19:59."""
        return int((_pair(self, 0, -MINUTE) | _pair(self, -EARLY, LATE - MINUTE)).sum())

    @property
    def ends(self) -> int:
        """Days stamped 09:31 to 16:00, or 04:01 to 20:00."""
        return int((_pair(self, MINUTE, 0) | _pair(self, -EARLY + MINUTE, LATE)).sum())

    @property
    def either(self) -> str:
        """From when to when the first day runs, where nearly all are stamped 09:31 to 15:59; else empty."""
        between = _pair(self, MINUTE, -MINUTE) & self.dense
        if not len(between) or between.mean() < MOSTLY:
            return ""
        return self._clock(int(np.argmax(between)))

    def span(self, label: str) -> str:
        """From when to when the first day that names starts, or ends, has stamps, by the exchange's clock."""
        first, last = (MINUTE, 0) if label == "end" else (0, -MINUTE)
        place = int(np.argmax(_pair(self, first, last) | _pair(self, first - EARLY, last + LATE)))
        return self._clock(place)

    def _clock(self, place: int) -> str:
        stamps = int(self.opened[place] + self.first[place]), int(self.closed[place] + self.last[place])
        begin, end = (dt.datetime.fromtimestamp(stamp, self.zone) for stamp in stamps)
        return f"from {begin:%H:%M} to {end:%H:%M}"

    def shifted(self) -> tuple[dt.date, int] | None:
        """The first date on which all symbols' days lie a number of hours beside the session, and that number."""
        for date in np.unique(self.date):
            day = self.date == date
            hours = np.unique(self.first[day] // HOUR)
            if len(hours) == 1 and hours[0] and self._fits(day, int(hours[0])):
                return dt.date.fromordinal(int(date)), int(hours[0])
            early = np.unique((self.first[day] + EARLY) // HOUR)
            if len(early) == 1 and early[0] and self._fits(day, int(early[0]), EARLY, LATE):
                return dt.date.fromordinal(int(date)), int(early[0])
        return None

    def _fits(self, day: np.ndarray, hours: int, before: int = 0, after: int = 0) -> bool:
        shift = hours * HOUR
        first, last = self.first[day] - shift + before, self.last[day] - shift - after
        return bool((first == 0).all() and (last == -MINUTE).all())


def _pair(edges: Edges, first: int, last: int) -> np.ndarray:
    return np.asarray((edges.first == first) & (edges.last == last))


def edges_of(stamp: Ints, symbol: Ints, days: ExchangeCalendar, volume: Floats | None = None) -> Edges:
    """The edges of readable stamps in seconds, with the symbol's number of each, by the exchange's dates."""
    order = np.lexsort((stamp, symbol))
    stamp, symbol = stamp[order], symbol[order]
    date = exchange_dates(stamp, days)
    change = np.flatnonzero((np.diff(date) != 0) | (np.diff(symbol) != 0)) + 1
    begin = np.concatenate([[0], change]) if len(stamp) else np.empty(0, np.int64)
    end = np.append(begin[1:], len(stamp))
    enough = (end - begin) >= LEAST_ROWS
    begin, end = begin[enough], end[enough]
    bounds = {int(day): _bounds(int(day), days) for day in np.unique(date[begin])}
    known = np.array([bounds[int(day)] is not None for day in date[begin]], dtype=bool)
    begin, end = begin[known], end[known]
    found = [bounds[int(day)] or (0, 0) for day in date[begin]]
    opened, closed = np.array(found, np.int64).reshape(-1, 2).T
    traded = volume[order] if volume is not None else np.full(len(stamp), np.nan)
    said = _votes(stamp, traded, begin, end, opened)
    first, last = stamp[begin], stamp[end - 1]
    dense = (end - begin) >= DENSE * ((last - first) // MINUTE + 1)
    return Edges(date[begin], first - opened, last - closed, opened, closed, days.zone, said, dense)


def _votes(stamp: Ints, volume: Floats, begin: Ints, end: Ints, opened: Ints) -> Votes:
    """What the days' minutes around the open say."""
    length = end - begin
    day = np.repeat(np.arange(len(begin)), length)
    rows = np.arange(len(day)) + np.repeat(begin - (np.cumsum(length) - length), length)
    return votes(stamp[rows] - opened[day], day, len(begin), volume[rows])


def exchange_dates(stamp: Ints, days: ExchangeCalendar) -> Ints:
    """Ordinals of the exchange's dates; one look-up per hour, not per row."""
    hours, which = distinct(stamp // HOUR)
    dates = [days.row_date_of(dt.datetime.fromtimestamp(int(hour) * HOUR, dt.UTC)).toordinal() for hour in hours]
    return np.array(dates, np.int64)[which]


def distinct(values: Ints) -> tuple[Ints, Ints]:
    """Which there are, and each one's place among them: without sorting where they lie close together."""
    if not len(values):
        return values, values
    least, span = int(values.min()), int(values.max()) - int(values.min()) + 1
    if span > MOST_SPAN:
        found, which = np.unique(values, return_inverse=True)
        return found, which
    there = np.zeros(span, dtype=bool)
    there[values - least] = True
    place = np.cumsum(there) - 1
    return np.flatnonzero(there) + least, place[values - least]


def _bounds(ordinal: int, days: ExchangeCalendar) -> tuple[int, int] | None:
    day = days.days.get(dt.date.fromordinal(ordinal))
    if day is None:
        return None
    return round(day.open.timestamp()), round(day.close.timestamp())


def only_dates(stamp: Ints) -> bool:
    """All at midnight, of UTC or of New York, when nothing trades."""
    if (stamp % HOUR).any():
        return False
    local = {dt.datetime.fromtimestamp(int(at), NEW_YORK).hour for at in np.unique(stamp)}
    return not (stamp % (24 * HOUR)).any() or local == {0}
