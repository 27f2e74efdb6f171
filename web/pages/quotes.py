"""Prices on the cards: the change since the close before - else since the day's first open - and the day as a line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db.models import Q

from marketdata import store
from marketdata.columns import BarColumns
from marketdata.kinds import DayKind
from marketdata.models import DayVersion
from marketdata.trading_day import TradingDay
from sessions.models import Pin, Session

LINE_POINTS = 60
LOOK_BACK = dt.timedelta(days=14)
Key = tuple[int, str]
"""Session and symbol."""
Line = list[list[float]]


def of_cards(sessions: Sequence[Any]) -> dict[int, dict[str, Any]]:
    """Session → symbol → its `reference`, `open` and `line`, in three queries for all of them.

    `reference`: the last close before the clock's day; `open`: of the day's first bar, once that is over; `line`: up to
    the clock. `sessions` come from `cards.sessions_to_show`.
    """
    days = {session.pk: _day(session) for session in sessions}
    wanted = [(session, quote["symbol"]) for session in sessions for quote in session.quotes]
    references, lines = _references(wanted, days), _lines(wanted, days)
    found: dict[int, dict[str, Any]] = {session.pk: {} for session in sessions}
    for session, symbol in wanted:
        key = session.pk, symbol
        first, line = lines.get(key, (None, []))
        found[session.pk][symbol] = {"reference": references.get(key), "open": first, "line": line}
    return found


def _day(session: Session) -> TradingDay:
    clock = session.run.clock
    return session.calendar.trading_day(session.calendar.session_date_of(clock) if clock else session.start_date)


def _references(wanted: Sequence[tuple[Any, str]], days: dict[int, TradingDay]) -> dict[Key, float]:
    asked = Q()
    for session, symbol in wanted:
        date = days[session.pk].date
        span = (date - LOOK_BACK, date - dt.timedelta(days=1))
        asked |= Q(dataset=session.dataset_id, instrument__symbol=symbol, date__range=span)
    if not asked:
        return {}
    rows = DayVersion.objects.current().regular().minutes().filter(asked).order_by("date")
    closes = list(rows.values_list("dataset", "instrument__symbol", "date", "summary__last_close"))
    found: dict[Key, float] = {}
    for session, symbol in wanted:
        for dataset, name, date, close in closes:
            if (dataset, name) == (session.dataset_id, symbol) and date < days[session.pk].date and close is not None:
                found[session.pk, symbol] = close
    return found


def _lines(wanted: Sequence[tuple[Any, str]], days: dict[int, TradingDay]) -> dict[Key, tuple[float | None, Line]]:
    """The versions first pinned: a correction changes no line of this size."""
    asked = Q()
    for session, symbol in wanted:
        asked |= Q(session=session.pk, instrument__symbol=symbol, date=days[session.pk].date)
    if not asked:
        return {}
    pins = Pin.objects.filter(asked, kind=DayKind.BARS, admission=0).exclude(day=None)
    rows = list(pins.values_list("session_id", "instrument__symbol", "day_id"))
    held = {day.id: day.bars for day in store.load_rows([row for *_, row in rows])} if rows else {}
    clocks = {session.pk: session.run.clock for session, _ in wanted}
    return {(pk, symbol): _line(held[row], days[pk], clocks[pk]) for pk, symbol, row in rows if clocks[pk] is not None}


def _line(bars: BarColumns, day: TradingDay, clock: dt.datetime) -> tuple[float | None, Line]:
    """The first bar's open, and [how much of the day is over, close] of bars that are over by the clock."""
    ends = bars.offset + 60
    over = ends <= (clock - day.open).total_seconds()
    before, total = (day.open - day.begin).total_seconds(), (day.end - day.begin).total_seconds()
    places, closes = ((ends[over] + before) / total).tolist(), bars.close[over].tolist()
    step = max(1, len(closes) // LINE_POINTS)
    points = [[round(place, 4), close] for place, close in zip(places, closes, strict=True)]
    return float(bars.open[over][0]) if points else None, points[::-1][::step][::-1]
