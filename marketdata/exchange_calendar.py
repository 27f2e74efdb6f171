"""An exchange's calendar: its trading days with their open and close, and what a session plays around them."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from functools import cache, cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings

from marketdata import exchange_schedule
from marketdata.errors import NotATradingDay
from marketdata.exchange_schedule import FIRST, LAST
from marketdata.hours import Hours
from marketdata.odd_hours import ODD_HOURS, USUAL
from marketdata.trading_day import MINUTE, NO_BREAK, Break, TradingDay

NEW_YORK_STOCKS = "XNYS"
EXTENDED_HOURS = {NEW_YORK_STOCKS: (dt.time(4), dt.time(20))}
"""Exchange → from when to when its days are played with extended hours."""
EARLY_EVENING, EARLY_CLOSE = dt.time(17), dt.time(14)
"""After a close by two o'clock extended hours end at five."""


class ExchangeCalendar:
    """The sessions of one exchange within the bounds, as a session with these hours plays them."""

    def __init__(self, exchange: str, hours: str) -> None:
        self.exchange, self.hours = exchange, hours

    @cached_property
    def schedule(self) -> exchange_schedule.Schedule:
        return exchange_schedule.load(Path(settings.VAR_DIR) / "calendars", self.exchange)

    @property
    def zone(self) -> ZoneInfo:
        return self.schedule.zone

    @cached_property
    def days(self) -> dict[dt.date, TradingDay]:
        if self.hours == Hours.EXTENDED:
            return {day.date: self._extended(day) for day in calendar_of(self.exchange).days.values()}
        odd = ODD_HOURS.get(self.exchange, {})
        found: dict[dt.date, TradingDay] = {}
        last: dt.datetime | None = None
        for date, opened, closed in self.schedule.sessions:
            if date in odd:
                found[date] = self._odd(date, *odd[date])
            else:
                late, early = date in self.schedule.late_opens, date in self.schedule.early_closes
                midday = self._break(date, opened)
                found[date] = TradingDay(date, opened, closed, late, early, follows=opened == last, midday=midday)
            last = closed
        return found

    def _break(self, date: dt.date, opened: dt.datetime) -> Break:
        if (bounds := self.schedule.breaks.get(date)) is None:
            return NO_BREAK
        return Break(*(round((moment - opened) / MINUTE) for moment in bounds))

    def _odd(self, date: dt.date, opened: dt.time, closed: dt.time) -> TradingDay:
        begin, end = (dt.datetime.combine(date, time, self.zone).astimezone(dt.UTC) for time in (opened, closed))
        return TradingDay(date, begin, end, opened > USUAL[0], closed < USUAL[1])

    def _extended(self, day: TradingDay) -> TradingDay:
        if self.exchange not in EXTENDED_HOURS:
            return day
        first, last = EXTENDED_HOURS[self.exchange]
        if day.closes_early and day.close.astimezone(self.zone).time() <= EARLY_CLOSE:
            last = EARLY_EVENING
        begin, end = (dt.datetime.combine(day.date, time, self.zone) for time in (first, last))
        return TradingDay(
            day.date,
            day.open,
            day.close,
            day.opens_late,
            day.closes_early,
            before=day.open - begin.astimezone(dt.UTC),
            after=end.astimezone(dt.UTC) - day.close,
        )

    def usual_day(self, date: dt.date) -> TradingDay:
        """The session of a date on which nothing is special: with the hours of the last such day before."""
        last = self.previous_trading_day(date)
        while last.is_half_day:
            last = self.previous_trading_day(last.date)
        opened, closed = (moment.astimezone(self.zone).time() for moment in (last.open, last.close))
        begin, end = (dt.datetime.combine(date, time, self.zone).astimezone(dt.UTC) for time in (opened, closed))
        day = TradingDay(date, begin, end, midday=last.midday)
        return self._extended(day) if self.hours == Hours.EXTENDED else day

    def trading_day(self, date: dt.date) -> TradingDay:
        """Raises NotATradingDay, naming the nearest trading days."""
        found = self.days.get(date)
        if found is None:
            self._within(date)
            before, after = self.previous_trading_day(date).date, self.next_trading_day(date).date
            raise NotATradingDay(
                f"{date} is not a trading day of {self.exchange} ({self.why_closed(date)}): "
                f"the nearest are {before} and {after}."
            )
        return found

    def is_trading_day(self, date: dt.date) -> bool:
        self._within(date)
        return date in self.days

    def next_trading_day(self, date: dt.date) -> TradingDay:
        """The first session strictly after `date`."""
        while (date := date + dt.timedelta(days=1)) not in self.days:
            self._within(date)
        return self.days[date]

    def previous_trading_day(self, date: dt.date) -> TradingDay:
        """The last session strictly before `date`."""
        while (date := date - dt.timedelta(days=1)) not in self.days:
            self._within(date)
        return self.days[date]

    def trading_days(self, start: dt.date, end: dt.date) -> list[TradingDay]:
        """Sessions from `start` to `end`, both included."""
        self._within(start)
        self._within(end)
        return [day for date, day in self.days.items() if start <= date <= end]

    def session_date_of(self, moment: dt.datetime) -> dt.date:
        """The trading day that a clock is in: the exchange's date; where days span midnight, the one not over yet."""
        if not self.spans_midnight:
            return moment.astimezone(self.zone).date()
        at = bisect_left(self._closes, moment)
        return self._dates[min(at, len(self._dates) - 1)]

    def row_date_of(self, start: dt.datetime) -> dt.date:
        """The day of a row by its start: at the instant at which one day ends and the next begins, the next."""
        just_after = dt.timedelta(microseconds=1) if self.spans_midnight else dt.timedelta()
        return self.session_date_of(start + just_after)

    @cached_property
    def spans_midnight(self) -> bool:
        """Whether days begin or end on another date than their own, as in futures and round-the-clock trading."""
        return any(
            moment.astimezone(self.zone).date() != date
            for date, day in self.days.items()
            for moment in (day.begin, day.end)
        )

    @cached_property
    def _closes(self) -> list[dt.datetime]:
        return [day.end for day in self.days.values()]

    @cached_property
    def _dates(self) -> list[dt.date]:
        return list(self.days)

    @property
    def has_breaks(self) -> bool:
        """Whether its days have, or had, a midday break."""
        return bool(self.schedule.breaks)

    def why_closed(self, date: dt.date) -> str:
        """The weekday, the holiday's name, or "closed" where no rule says why."""
        if date.weekday() >= 5:
            return f"{date:%A}"
        return self.schedule.holidays.get(date, "closed")

    def _within(self, date: dt.date) -> None:
        if not FIRST <= date <= LAST:
            raise NotATradingDay(f"{date} is outside the calendar: it reaches from {FIRST} to {LAST}.")


def calendar_of(exchange: str = NEW_YORK_STOCKS, hours: str = "regular") -> ExchangeCalendar:
    """The one calendar of an exchange, with these hours, in this process."""
    return _kept(exchange, hours)


@cache
def _kept(exchange: str, hours: str) -> ExchangeCalendar:
    """The cache of `calendar_of`, without defaults: it would keep two for one exchange, given and left out."""
    return ExchangeCalendar(exchange, hours)


def place_of(zone: str) -> str:
    """America/New_York is New York."""
    return zone.rpartition("/")[2].replace("_", " ")
