"""One market day: the regular session's bounds, and those of what a session plays around it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MINUTE = dt.timedelta(minutes=1)
NOTHING = dt.timedelta()


class Break(NamedTuple):
    """A midday break, as Tokyo has one: its first minute and the first after it, counted from the open.

    Its minutes are none of the session's: no bar is expected in them. The session's clock passes through them.
    """

    first: int
    end: int

    @property
    def minutes(self) -> int:
        return self.end - self.first

    def holds(self, minute: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the minutes, counted from the open, are the break's."""
        return (minute >= self.first) & (minute < self.end)


NO_BREAK = Break(0, 0)


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
    midday: Break = NO_BREAK

    @property
    def minutes(self) -> int:
        """From the open to the close, those of a midday break among them."""
        return round((self.close - self.open) / MINUTE)

    @property
    def expected_minutes(self) -> int:
        """In which the session trades."""
        return self.minutes - self.midday.minutes

    @property
    def trading(self) -> tuple[tuple[dt.datetime, dt.datetime], ...]:
        """From when to when it trades: in two parts where there is a midday break."""
        if not self.midday.minutes:
            return ((self.open, self.close),)
        start, end = (self.open + minute * MINUTE for minute in self.midday)
        return (self.open, start), (end, self.close)

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
