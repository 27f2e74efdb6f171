"""When a book meets the market."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from marketdata.units import SECOND_NS


@dataclass(frozen=True, slots=True)
class OpenSpan:
    """The regular session of a day, or a part around it: [open, close) in nanoseconds."""

    open_ns: int
    close_ns: int
    outside: bool = False
    """Whether it is before the open or after the close: only orders for extended hours meet it."""
    is_last: bool = True
    """Whether the day ends with it."""

    def takes(self, *, extended_hours: bool) -> bool:
        """Whether it is one that an order is for."""
        return extended_hours or not self.outside

    @property
    def date(self) -> dt.date:
        return dt.datetime.fromtimestamp(self.open_ns // SECOND_NS, dt.UTC).date()
