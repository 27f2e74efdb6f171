"""What a session's chart shows, up to the clock: bars, and the minutes that have none.

A bar is `[start in seconds, open, high, low, close, volume]`, a gap `[start in seconds, the ledger's letter]`.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from marketdata import store
from marketdata.actions.adjusting import Adjuster, Adjustment, CannotAdjust, next_change
from marketdata.bar_json import points
from marketdata.calendar import FIRST
from marketdata.columns import BarColumns
from marketdata.gaps import GAP_LETTERS
from marketdata.models import DayVersion
from marketdata.trading_day import TradingDay
from sessions.models import Session
from streaming.as_of.played_days import day_bars
from streaming.as_of.session_data import clock_of
from streaming.engine.frames.frame_id import milliseconds
from streaming.engine.records import journal

SHOWN_DAYS = 5


@dataclass(slots=True)
class Shown:
    """Bars and gaps, oldest first; `first` is the date before which there may be more."""

    first: dt.date | None = None
    problem: str = ""
    """Why prices are not adjusted as asked."""
    good_until: float = math.inf
    """Seconds; from then on earlier prices are adjusted otherwise. Ahead of the clock: never shown."""
    bars: list[list[Any]] = field(default_factory=list)
    gaps: list[list[Any]] = field(default_factory=list)

    def payload(self) -> dict[str, Any]:
        first = str(self.first) if self.first else None
        return {"first": first, "bars": self.bars, "gaps": self.gaps, "problem": self.problem}

    def add(self, day: TradingDay, bars: BarColumns | None, ledger: str, until: float) -> None:
        """What of a day is over."""
        opened = milliseconds(day.open) // 1000
        rows = points(opened, bars) if bars is not None else []
        self.bars += [row for row in rows if row[0] + 60 <= until]
        minutes = ((opened + 60 * minute, letter) for minute, letter in enumerate(ledger) if letter in GAP_LETTERS)
        self.gaps += [[start, letter] for start, letter in minutes if start + 60 <= until]


def days_so_far(session_id: int, symbol: str, clock: str, adjustment: str = Adjustment.SPLIT) -> Shown:
    """The symbol's day at the clock and the few before it, also those before the session's first."""
    session = Session.objects.with_run().get(pk=session_id)
    now = dt.datetime.fromisoformat(clock)
    today = session.calendar.session_date_of(now)
    shown = _days(session, symbol, today, now, adjustment)
    change = next_change(session.dataset, symbol, today, session.end_date, adjustment)
    if change is not None:
        shown.good_until = session.calendar.next_trading_day(change - dt.timedelta(days=1)).open.timestamp()
    return shown


def days_before(session: Session, symbol: str, date: dt.date, adjustment: str = Adjustment.SPLIT) -> Shown:
    """A few days more, before a date."""
    clock = clock_of(session)
    if clock is None:
        return Shown()
    if date <= FIRST:
        return Shown()
    last = min(date - dt.timedelta(days=1), session.calendar.session_date_of(clock))
    return _days(session, symbol, last, clock, adjustment)


def _days(session: Session, symbol: str, last: dt.date, clock: dt.datetime, adjustment: str) -> Shown:
    """Up to a date: what the session plays of them, and before its first day what the store has."""
    played = session.calendar.trading_days(session.start_date, last) if last >= session.start_date else []
    dates = [day.date for day in played[-SHOWN_DAYS:]]
    shown, today = Shown(), session.calendar.session_date_of(clock)
    versions = _stored(session, symbol, min(last + dt.timedelta(days=1), session.start_date), clock)
    stored = dict(sorted(versions.items())[len(dates) - SHOWN_DAYS :]) if len(dates) < SHOWN_DAYS else {}
    if not (dates or stored):
        return shown
    shown.first = min([*stored, *dates])
    adjuster = _adjuster(session, symbol, shown, today, adjustment)
    ledgers = _ledgers(stored.values())
    held = {day.id: day for day in store.load_rows(list(stored.values()))} if stored else {}
    for date, pk in stored.items():
        day = session.calendar.trading_day(date)
        shown.add(day, adjuster.at(date).of(held[pk].bars), ledgers[pk], clock.timestamp())
    for day, bars, ledger in _played(session, symbol, dates, clock):
        shown.add(day, adjuster.at(day.date).of(bars) if bars else None, ledger, clock.timestamp())
    return shown


def _adjuster(session: Session, symbol: str, shown: Shown, today: dt.date, adjustment: str) -> Adjuster:
    """As asked, else for splits alone, with the reason on what is shown."""
    assert shown.first
    try:
        return Adjuster(session.dataset, symbol, shown.first, today, adjustment)
    except CannotAdjust as error:
        shown.problem = str(error)
        return Adjuster(session.dataset, symbol, shown.first, today, Adjustment.SPLIT)


def _played(
    session: Session, symbol: str, dates: list[dt.date], clock: dt.datetime
) -> Iterator[tuple[TradingDay, BarColumns | None, str]]:
    """For each of the session's dates the bars and the ledger of the version in effect."""
    entries = journal.read(session.pk, pins_of=dates)
    pins = {date: entries.in_effect(date, session.run.generation, clock).get(symbol) for date in dates}
    ledgers = _ledgers(pk for pk in pins.values() if pk is not None)
    for day, bars in day_bars(session, entries, dates, [symbol], clock=clock):
        yield day, bars.get(symbol), ledgers.get(pins[day.date] or 0, "")


def _stored(session: Session, symbol: str, before: dt.date, clock: dt.datetime) -> dict[dt.date, int]:
    """Date → version of the dataset's newest days before a date; as known, those that the market knew by then."""
    rows = DayVersion.objects.regular().minutes().filter(dataset=session.dataset, instrument__symbol=symbol)
    rows = rows.filter(Q(version=1) | Q(known_at__lte=clock)) if session.as_known else rows.current()
    dates = rows.filter(date__lt=before).order_by("-date").values_list("date", flat=True).distinct()[:SHOWN_DAYS]
    chosen = rows.filter(date__in=list(dates)).order_by("-derived", "version")
    return dict(chosen.values_list("date", "pk"))


def _ledgers(rows: Iterable[int]) -> Mapping[int, str]:
    return dict(DayVersion.objects.filter(pk__in=list(rows)).values_list("pk", "ledger"))
