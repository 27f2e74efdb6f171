"""Rows that the tests of API, admin and commands read: a stored day, and a session in the midst of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from marketdata import calendar
from marketdata.models import BarDay, Dataset, Instrument, Scope
from sessions.models import ActiveStream, JournalEntry, Session, State

DAY = dt.date(2024, 11, 18)


def a_dataset(name: str = "paper", **fields: Any) -> Dataset:
    return Dataset.objects.get_or_create(name=name, defaults={"source": name, **fields})[0]


def a_day(symbol: str = "AAPL", date: dt.date = DAY, dataset: Dataset | None = None, **fields: Any) -> BarDay:
    """Every minute traded; the closes count up from 100 by a cent a minute; trade counts are unknown."""
    day = calendar.trading_day(date)
    closes = [100 + minute / 100 for minute in range(day.minutes)]
    return BarDay.objects.create(
        dataset=dataset or a_dataset(),
        instrument=Instrument.objects.get_or_create(symbol=symbol)[0],
        date=date,
        open_at=day.open,
        close_at=day.close,
        bar_count=day.minutes,
        offset=[60 * minute for minute in range(day.minutes)],
        open=closes,
        high=[close + 0.01 for close in closes],
        low=[close - 0.01 for close in closes],
        close=closes,
        volume=[None, *range(1, day.minutes)],
        ledger="T" * day.minutes,
        content_hash="0" * 64,
        **{"scope": Scope.REGULAR, **fields},
    )


def a_session(*symbols: str, minutes: int = 30, **fields: Any) -> Session:
    """A session as a worker leaves it `minutes` after the open: journal, pinned days, streams."""
    days = {symbol: a_day(symbol) for symbol in symbols or ("AAPL", "MSFT")}
    dataset = next(iter(days.values())).dataset
    clock = calendar.trading_day(DAY).open + dt.timedelta(minutes=minutes)
    given = {"state": State.RUNNING, "clock": clock, "frame_id": f"{int(clock.timestamp())}000-0", **fields}
    session = Session.objects.create(
        dataset=dataset, derive=["5m", "15m"], start_date=DAY, end_date=DAY, days_held=[DAY], **given
    )
    for day in days.values():
        ActiveStream.objects.create(
            session=session, instrument=day.instrument, expected=minutes, present=minutes, quality=1.0
        )
    pins = {symbol: day.pk for symbol, day in days.items()}
    start = {"symbols": list(days), "generation": 1}
    JournalEntry.objects.create(session=session, number=0, kind="start", payload=start)
    load = {"date": DAY.isoformat(), "days": pins}
    JournalEntry.objects.create(session=session, number=1, kind="load", payload=load)
    session.record("state", "running")
    return session
