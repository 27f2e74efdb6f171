"""Bar widths by the broker's names: 5Min, 1Hour, 1Day, 1Week, 3Month and their short forms."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum

from gateway.wire.wire_errors import bad_request


class Unit(StrEnum):
    MINUTE = "Min"
    HOUR = "Hour"
    DAY = "Day"
    WEEK = "Week"
    MONTH = "Month"


SHORT = {"T": Unit.MINUTE, "H": Unit.HOUR, "D": Unit.DAY, "W": Unit.WEEK, "M": Unit.MONTH}
AMOUNTS: dict[Unit, frozenset[int]] = {
    Unit.MINUTE: frozenset(range(1, 60)),
    Unit.HOUR: frozenset(range(1, 24)),
    Unit.DAY: frozenset({1}),
    Unit.WEEK: frozenset({1}),
    Unit.MONTH: frozenset({1, 2, 3, 4, 6, 12}),
}
FORM = re.compile(r"([1-9][0-9]?)(Min|Hour|Day|Week|Month|[THDWM])")


@dataclass(frozen=True, slots=True)
class Timeframe:
    amount: int
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> Timeframe:
        match = FORM.fullmatch(text)
        if match:
            unit = SHORT.get(match[2]) or Unit(match[2])
            if int(match[1]) in AMOUNTS[unit]:
                return cls(int(match[1]), unit)
        raise bad_request(
            f"invalid timeframe: {text}. Use [1-59]Min, [1-23]Hour, 1Day, 1Week or [1,2,3,4,6,12]Month"
            if text
            else "invalid timeframe: query parameter 'timeframe' is required"
        )

    @property
    def is_minute(self) -> bool:
        """The stored bars themselves: the only ones of which unfinished ones are not shown."""
        return self.unit is Unit.MINUTE and self.amount == 1

    @property
    def is_intraday(self) -> bool:
        return self.unit in (Unit.MINUTE, Unit.HOUR)

    @property
    def minutes(self) -> int:
        """Width of an intraday bar."""
        return self.amount * (60 if self.unit is Unit.HOUR else 1)

    def period_start(self, date: dt.date) -> dt.date:
        """First date of the day, week (Monday) or months that hold `date`."""
        if self.unit is Unit.WEEK:
            return date - dt.timedelta(days=date.weekday())
        if self.unit is Unit.MONTH:
            return date.replace(month=(date.month - 1) // self.amount * self.amount + 1, day=1)
        return date

    def period_end(self, date: dt.date) -> dt.date:
        """Last date of the same."""
        start = self.period_start(date)
        if self.unit is Unit.WEEK:
            return start + dt.timedelta(days=6)
        if self.unit is Unit.MONTH:
            months = start.year * 12 + start.month - 1 + self.amount
            return dt.date(months // 12, months % 12 + 1, 1) - dt.timedelta(days=1)
        return start
