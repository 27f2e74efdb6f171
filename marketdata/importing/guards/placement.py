"""Whether rows lie in their exchange's hours, or whole hours beside them, as a wrong zone puts them.

Edges need a day's first and last minute; here a day may lack them. Counted is how many rows fall into each half hour
after the open, so that a shift of the clock turns the counts round.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np

from marketdata.columns import Floats, Ints
from marketdata.exchange_calendar import NEW_YORK_STOCKS, ExchangeCalendar
from marketdata.importing.guards.edges import distinct, exchange_dates

DAY, BINS, BIN = 1440, 48, 30
"""Minutes; half hours of a day, and their minutes."""
LEAST_ROWS = 60
"""Of a week: fewer say nothing."""
ALL, NOT_ALL = 0.995, 0.95
"""The session's share of a week's rows at another hour, and at the one that they were read in."""
BEFORE, AFTER = 11, 8
"""Half hours from 04:00 to the open, and from the close to 20:00."""
OUTSIDE, NONE_OUTSIDE = 0.1, 0.01
"""Share of the rows at which nothing trades, as they were read, and at another hour."""
LEAST_DAYS, MORE_BUSY, MOST_BUSY = 5, 0.08, 0.9
"""By volume: a single day of news may trade most before the open."""
MOST_SESSION = 40


class Shift(NamedTuple):
    """The first date of the rows that lie beside the session, how many hours later they do, and what says so."""

    date: dt.date
    hours: int
    why: str


def misplaced(stamp: Ints, volume: Floats, days: ExchangeCalendar) -> Shift | None:
    """Of readable stamps in seconds."""
    ordinal, which = distinct(exchange_dates(stamp, days))
    found = [days.days.get(dt.date.fromordinal(int(date))) for date in ordinal]
    opened = np.array([round(day.open.timestamp()) if day else 0 for day in found], np.int64)
    minutes = np.array([day.minutes if day else 0 for day in found], np.int64)
    session = int(minutes.max(initial=0)) // 30
    if not 0 < session <= MOST_SESSION:
        return None
    cell = which * DAY + (stamp - opened[which]) // 60 % DAY
    full = minutes == minutes.max()
    closed = max((day.midday.minutes // BIN for day in found if day), default=0)
    rows = np.bincount(cell, minlength=len(ordinal) * DAY).reshape(-1, BINS, BIN).sum(axis=2)[full]
    traded = np.bincount(cell, np.nan_to_num(volume), len(ordinal) * DAY).reshape(-1, DAY)[full]
    ordinal = ordinal[full]
    extended = days.exchange == NEW_YORK_STOCKS
    for week in np.unique(ordinal // 7):
        these = ordinal // 7 == week
        if shift := _by_rows(rows[these].sum(axis=0), session, closed, extended):
            return Shift(dt.date.fromordinal(int(ordinal[these][0])), *shift)
    for month in np.unique(ordinal // 28):
        these = ordinal // 28 == month
        if shift := _by_volume(traded[these], session):
            return Shift(dt.date.fromordinal(int(ordinal[these][0])), *shift)
    return None


def has_whole_day(stamp: Ints, days: ExchangeCalendar) -> bool:
    """Whether the minutes of some date, in seconds, reach from its first to its last and no further."""
    ordinal, which = distinct(exchange_dates(stamp, days))
    for at, date in enumerate(ordinal):
        day = days.days.get(dt.date.fromordinal(int(date)))
        of_date = stamp[which == at]
        if day and (of_date.min(), of_date.max() + 60) == (day.open.timestamp(), day.close.timestamp()):
            return True
    return False


def _by_rows(rows: np.ndarray, session: int, closed: int, extended: bool) -> tuple[int, str] | None:
    """`closed`: half hours of the session in which nothing is expected, as in a midday break."""
    count = rows.sum()
    if count < LEAST_ROWS:
        return None
    shares = _shares(rows, session)
    best = int(np.argmax(shares))
    held = np.roll(rows, -2 * best)[:session]
    if shares[0] <= NOT_ALL and shares[best] >= ALL and (held > 0).sum() >= session - closed - 1:
        return _hours(best), f"{1 - shares[0]:.0%} of its rows lie outside of the session, and then none would"
    if not extended:
        return None
    outside = 1 - _shares(np.roll(rows, BEFORE), BEFORE + session + AFTER)
    best = int(np.argmax(shares - 9 * (outside > NONE_OUTSIDE)))
    if outside[0] >= OUTSIDE and outside[best] <= NONE_OUTSIDE:
        why = f"{outside[0]:.0%} of its rows lie between 20:00 and 04:00, when nothing trades"
        return _hours(best), f"{why} (as the afternoon of a clock of twelve hours without am and pm does)"
    return None


def _by_volume(traded: np.ndarray, session: int) -> tuple[int, str] | None:
    """Where most of the minutes are in which most was traded; by volume itself the auction at the close weighs most."""
    busiest = session * BIN * 4 // 5
    traded = traded[(traded > 0).sum(axis=1) > session * BIN]
    if len(traded) < LEAST_DAYS:
        return None
    least = np.partition(traded, -busiest, axis=1)[:, -busiest]
    busy = (traded >= least[:, None]).reshape(-1, BINS, BIN).sum(axis=2)
    shares = np.median([_shares(day, session) for day in busy], axis=0)
    best = int(np.argmax(shares))
    if shares[best] < max(MOST_BUSY, shares[0] + MORE_BUSY):
        return None
    return _hours(
        best
    ), f"{shares[0]:.0%} of its busiest minutes are the session's, and then {shares[best]:.0%} would be"


def _shares(counts: np.ndarray, width: int) -> np.ndarray:
    """Of the counts, what a window of so many bins holds that begins 0, 1, … 23 hours after the open."""
    twice = np.concatenate([[0], np.cumsum(np.concatenate([counts, counts]))])
    begin = np.arange(0, BINS, 2)
    return np.asarray((twice[begin + width] - twice[begin]) / counts.sum())


def _hours(shift: int) -> int:
    return shift if shift <= 12 else shift - 24
