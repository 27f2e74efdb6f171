"""The calendar's hard days, drilled: what a session does on each is compared with what the wall clock says.

Under test are the product's own parts: the tape's instants, the point of prefetch, the recipe's rollover, the derived
bars. The answers come from the exchange's wall clock (New York: 09:30 to 16:00, or 13:00) and a table of counts. Pure.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from marketdata.columns import BarColumns, Ints
from marketdata.exchange_calendar import NEW_YORK_STOCKS, ExchangeCalendar, calendar_of
from marketdata.intervals import DAY, interval_name
from marketdata.models import Dataset
from marketdata.trading_day import TradingDay
from marketdata.units import MINUTE_MS
from streaming.engine.days.loading import PREFETCH_BEFORE_CLOSE
from streaming.engine.days.recipe import Recipe
from streaming.engine.frames.frame_id import milliseconds
from streaming.engine.tape.merge import Tape

WIDTHS = (5, 15, 30, 60, DAY)
COUNTS = {390: (78, 26, 13, 7, 1), 210: (42, 14, 7, 4, 1)}
"""Derived bars of a full day and of a half day, by width."""
OPENS, CLOSES = dt.time(9, 30), (dt.time(16, 0), dt.time(13, 0))
WEEKEND = 5


@dataclass(frozen=True, slots=True)
class DrilledDay:
    """A trading day, what is special about it, and every way in which it went wrong."""

    day: TradingDay
    special: list[str]
    prefetch_at: dt.datetime
    rollover_to: dt.date | None
    counts: tuple[int, ...]
    faults: list[str]


def drill(first: dt.date, last: dt.date, exchange: str = NEW_YORK_STOCKS) -> list[DrilledDay]:
    """Every trading day from `first` to `last`, each as the current day of a session."""
    days_of = calendar_of(exchange)
    days = trading_days(days_of, first, last)
    return [_drill_day(days_of, days, at) for at in range(len(days))]


def trading_days(days_of: ExchangeCalendar, first: dt.date, last: dt.date) -> list[TradingDay]:
    return days_of.trading_days(first, last)


def _drill_day(days_of: ExchangeCalendar, days: Sequence[TradingDay], at: int) -> DrilledDay:
    day, upcoming = days[at], days[at + 1] if at + 1 < len(days) else None
    tape = Tape(day, {"DRILL": _every_minute(day)}, WIDTHS, synthetic=True)
    rollover = _recipe(days[at : at + 2]).after(day.date)
    counts = tuple(len(layer.start) for layer in tape.layers[1:])
    faults = [*_grid_faults(days_of, day, tape), *_derived_faults(day, tape, counts)]
    prefetch = _prefetch_at(tape)
    if prefetch != _wall(days_of, day.close) - dt.timedelta(minutes=30):
        faults.append(f"prefetch at {prefetch:%H:%M} UTC is not half an hour before the close")
    faults += _rollover_faults(days_of, day, rollover, upcoming)
    special = [
        *_special(days_of, day, days[at - 1] if at else None),
        *(_closures(days_of, day, upcoming) if upcoming else ()),
    ]
    return DrilledDay(day, special, prefetch, rollover.date if rollover else None, counts, faults)


def _recipe(window: Sequence[TradingDay]) -> Recipe:
    return Recipe(0, Dataset(name="drill"), "", WIDTHS, tuple(window))


def _every_minute(day: TradingDay) -> BarColumns:
    minutes = _traded(day)
    return BarColumns(minutes * 60, *([np.ones(len(minutes))] * 7))


def _traded(day: TradingDay) -> Ints:
    """The session's minutes, without those of a midday break."""
    minutes = np.arange(day.minutes, dtype=np.int64)
    return minutes[~day.midday.holds(minutes)]


def _wall(days_of: ExchangeCalendar, moment: dt.datetime) -> dt.datetime:
    """A moment as the exchange's wall clock shows it, back in UTC by the zone's rules of that date."""
    shown = moment.astimezone(days_of.zone)
    return dt.datetime.combine(shown.date(), shown.time(), days_of.zone).astimezone(dt.UTC)


def _moment(ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(ms // 1000, dt.UTC)


def _prefetch_at(tape: Tape) -> dt.datetime:
    """The clock at which a session at any slow speed asks for the next day."""
    lead = PREFETCH_BEFORE_CLOSE.total_seconds()
    frames = range(1, len(tape) + 1)
    k = frames[bisect_left(frames, -lead, key=lambda k: -tape.seconds_left(k))]
    return _moment(tape.instant(k - 1))


def _grid_faults(days_of: ExchangeCalendar, day: TradingDay, tape: Tape) -> Iterator[str]:
    """One frame for the open and one for the end of each minute, on the wall clock's minutes.

    A day that follows another at once leaves the open's to that one.
    """
    opened, closed = day.open.astimezone(days_of.zone), day.close.astimezone(days_of.zone)
    minutes = (closed.hour - opened.hour) * 60 + closed.minute - opened.minute
    minutes += 0 if minutes > 0 else 24 * 60  # over midnight
    opens = 0 if day.follows else 1
    if len(tape) != minutes + opens:
        yield f"{len(tape)} frames for {minutes} minutes"
    first = milliseconds(_wall(days_of, day.open)) + (0 if opens else MINUTE_MS)
    if [tape.instant(k) for k in range(len(tape))] != [first + MINUTE_MS * k for k in range(minutes + opens)]:
        yield "frames off the minute grid"
    if days_of.exchange == NEW_YORK_STOCKS and not is_irregular(day) and minutes not in COUNTS:
        yield f"{minutes} minutes: neither a full nor a half day"


def _derived_faults(day: TradingDay, tape: Tape, counts: Sequence[int]) -> Iterator[str]:
    buckets = [np.unique(_traded(day) // width) * width for width in WIDTHS]
    wanted = COUNTS.get(day.expected_minutes, tuple(map(len, buckets)))
    if tuple(counts) != wanted:
        yield f"derived bars {tuple(counts)}, not {wanted}"
    first = int(tape.layers[0].start[0])
    for layer, width, starts in zip(tape.layers[1:], WIDTHS, buckets, strict=True):
        whole = int(layer.n_expected.sum()) == day.expected_minutes == int(layer.n_present.sum())
        if not (whole and np.array_equal(layer.start, first + starts * 60)):
            yield f"{interval_name(width)} bars do not tile the session"


def _rollover_faults(
    days_of: ExchangeCalendar, day: TradingDay, rollover: TradingDay | None, upcoming: TradingDay | None
) -> Iterator[str]:
    if rollover != upcoming:
        yield f"rolls over to {rollover.date if rollover else None}, not {upcoming.date if upcoming else None}"
    if upcoming and days_of.next_trading_day(day.date) != upcoming:
        yield f"the next trading day is {days_of.next_trading_day(day.date).date}, not {upcoming.date}"
    if upcoming and days_of.previous_trading_day(upcoming.date) != day:
        yield f"the day before {upcoming.date} is {days_of.previous_trading_day(upcoming.date).date}"


def is_irregular(day: TradingDay) -> bool:
    """Hours that neither a full nor a half day of New York's has: a late open, say."""
    zone = calendar_of().zone
    return day.open.astimezone(zone).time() != OPENS or day.close.astimezone(zone).time() not in CLOSES


def _special(days_of: ExchangeCalendar, day: TradingDay, before: TradingDay | None) -> Iterator[str]:
    if days_of.exchange == NEW_YORK_STOCKS and is_irregular(day):
        opened, closed = day.open.astimezone(days_of.zone), day.close.astimezone(days_of.zone)
        yield f"irregular hours: {opened:%H:%M} to {closed:%H:%M}"
    elif day.is_half_day:
        yield "half day"
    if before and (moved := _offset(days_of, day) - _offset(days_of, before)):
        here = "New York" if days_of.exchange == NEW_YORK_STOCKS else days_of.exchange
        yield f"daylight saving {'begins' if moved > dt.timedelta() else 'ends'}: UTC moves, {here} does not"


def _offset(days_of: ExchangeCalendar, day: TradingDay) -> dt.timedelta:
    return day.open.astimezone(days_of.zone).utcoffset() or dt.timedelta()


def _closures(days_of: ExchangeCalendar, day: TradingDay, upcoming: TradingDay) -> Iterator[str]:
    """Weekdays on which the exchange stays closed before the next session."""
    date = day.date
    while (date := date + dt.timedelta(days=1)) < upcoming.date:
        if date.weekday() < WEEKEND:
            why = days_of.why_closed(date)
            yield f"then {why} {date}" if why != "closed" else f"then unscheduled closure {date}"
