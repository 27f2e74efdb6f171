"""One market day: the regular session's bounds, and those of what a session plays around it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

MINUTE = dt.timedelta(minutes=1)
NOTHING = dt.timedelta()


@dataclass(frozen=True, slots=True)
class TradingDay:
    """Open and close of the regular session in UTC, as that date had them.

    `before` and `after`: how long the day is played before the open and after the close, with extended hours.
    """

    date: dt.date
    open: dt.datetime
    close: dt.datetime
    opens_late: bool = False
    closes_early: bool = False
    before: dt.timedelta = NOTHING
    after: dt.timedelta = NOTHING
    follows: bool = False
    """Whether it begins at the instant at which the day before ends: that instant is the day before's."""

    @property
    def minutes(self) -> int:
        """The minutes of the regular session."""
        return round((self.close - self.open) / MINUTE)

    @property
    def is_half_day(self) -> bool:
        """Shorter than the exchange's usual days."""
        return self.opens_late or self.closes_early

    @property
    def begin(self) -> dt.datetime:
        """Where it begins to be played: the open, with extended hours earlier."""
        return self.open - self.before

    @property
    def end(self) -> dt.datetime:
        return self.close + self.after

    @property
    def minutes_before(self) -> int:
        """Played before the open."""
        return round(self.before / MINUTE)

    @property
    def minutes_after(self) -> int:
        """Played after the close."""
        return round(self.after / MINUTE)
