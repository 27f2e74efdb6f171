"""The recipe: what of a session never changes while it runs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from marketdata.calendar import TradingDay
from marketdata.exchange_calendar import ExchangeCalendar, calendar_of
from marketdata.hours import Hours
from marketdata.intervals import parse_interval
from marketdata.models import Dataset
from marketdata.units import MINUTE_MS
from sessions.models import Session, StreamType


@dataclass(frozen=True, slots=True)
class Recipe:
    """Where the days come from, which they are, and what is made of them."""

    session_id: int
    dataset: Dataset
    provider: str
    widths: tuple[int, ...]
    window: tuple[TradingDay, ...]
    types: tuple[str, ...] = (StreamType.BARS,)
    step_ms: int = MINUTE_MS
    as_known: bool = False
    calendar: ExchangeCalendar = field(default_factory=calendar_of)

    @property
    def extended(self) -> bool:
        """Whether it plays what is before the open and after the close."""
        return self.calendar.hours == Hours.EXTENDED

    @classmethod
    def of(cls, session: Session) -> Recipe:
        widths = tuple(parse_interval(name) for name in session.derive)
        window = tuple(session.calendar.trading_days(session.start_date, session.end_date))
        return cls(
            session.pk,
            session.dataset,
            session.provider,
            widths,
            window,
            tuple(session.types),
            session.clock_step,
            session.as_known,
            session.calendar,
        )

    def after(self, date: dt.date) -> TradingDay | None:
        """The window's next trading day; None on its last."""
        return next((day for day in self.window if day.date > date), None)
