"""Rows that the tests of API, admin and commands read: a stored day, and a session in the midst of it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from django.db import connection, connections, transaction

from marketdata import calendar
from marketdata.columns import BarColumns, packed
from marketdata.locks import Locks
from marketdata.models import Dataset, DayChunk, DayVersion, Instrument, Scope
from marketdata.store.write import summary_of
from marketdata.units import SECOND_NS
from sessions.models import ActiveStream, JournalEntry, Pin, Run, Session, State

DAY = dt.date(2024, 11, 18)
RUN_FIELDS = {field.name for field in Run._meta.fields}


def a_dataset(name: str = "paper", **fields: Any) -> Dataset:
    return Dataset.objects.get_or_create(name=name, defaults={"source": name, **fields})[0]


def bars_of(date: dt.date, **columns: Any) -> BarColumns:
    """Every minute traded; the closes count up from 100 by a cent a minute; trade counts are unknown."""
    minutes = np.arange(calendar.trading_day(date).minutes)
    close = 100 + minutes / 100
    absent = np.full(len(minutes), np.nan)
    volume = np.where(minutes == 0, np.nan, minutes)
    return replace(
        BarColumns(minutes * 60, close, close + 0.01, close - 0.01, close, volume, absent, absent), **columns
    )


def a_day(
    symbol: str = "AAPL",
    date: dt.date = DAY,
    dataset: Dataset | None = None,
    bars: BarColumns | None = None,
    **fields: Any,
) -> DayVersion:
    """A stored version, whatever others there are; of `bars_of`, unless other bars are given."""
    day, bars = calendar.trading_day(date), bars_of(date) if bars is None else bars
    version = DayVersion.objects.create(
        dataset=dataset or a_dataset(),
        instrument=Instrument.objects.get_or_create(symbol=symbol)[0],
        date=date,
        open_at=day.open,
        close_at=day.close,
        row_count=len(bars),
        content_hash="0" * 64,
        **{
            **{"kind": "bars", "interval": "1m", "scope": Scope.REGULAR, "ledger": "T" * day.minutes},
            **{"summary": summary_of(bars, day.minutes * 60), **fields},
        },
    )
    span = {"first_at": int(bars.offset[0]) * SECOND_NS, "last_at": int(bars.offset[-1]) * SECOND_NS}
    DayChunk.objects.create(day=version, number=0, row_count=len(bars), cells=packed(bars), **span)
    return version


def update_run(session: Session, **changes: Any) -> None:
    """The run as a worker would write it; the session in hand shows it."""
    Run.objects.filter(pk=session.pk).update(**changes)
    session.refresh_from_db()


def pin(
    session: Session, number: int, date: dt.date, kind: str = "load", **versions: Mapping[str, int | None]
) -> JournalEntry:
    """A journal's entry with its pins: kind → symbol → version."""
    entry = JournalEntry.objects.create(session=session, number=number, kind=kind, payload={"date": date.isoformat()})
    Pin.objects.bulk_create(
        [
            Pin(
                session=session,
                date=date,
                kind=name,
                instrument=Instrument.objects.get_or_create(symbol=symbol)[0],
                admission=number if kind == "admit" else 0,
                day_id=version,
            )
            for name, pins in versions.items()
            for symbol, version in pins.items()
        ],
        ignore_conflicts=True,
    )
    return entry


def a_session(*symbols: str, minutes: int = 30, **fields: Any) -> Session:
    """A session as a worker leaves it `minutes` after the open: journal, pinned days, streams."""
    days = {symbol: a_day(symbol) for symbol in symbols or ("AAPL", "MSFT")}
    dataset = next(iter(days.values())).dataset
    clock = calendar.trading_day(DAY).open + dt.timedelta(minutes=minutes)
    position = {"clock": clock, "frame_id": f"{int(clock.timestamp())}000-0", "days_held": [DAY]}
    position |= {name: fields.pop(name) for name in list(fields) if name in RUN_FIELDS}
    session = Session.objects.create(
        dataset=dataset, derive=["5m", "15m"], start_date=DAY, end_date=DAY, **{"state": State.RUNNING, **fields}
    )
    update_run(session, **position)
    for day in days.values():
        ActiveStream.objects.create(
            session=session, instrument=day.instrument, expected=minutes, present=minutes, quality=1.0
        )
    pins = {symbol: day.pk for symbol, day in days.items()}
    start = {"symbols": list(days), "generation": 1}
    JournalEntry.objects.create(session=session, number=0, kind="start", payload=start)
    pin(session, 1, DAY, bars=pins)
    session.record("state", "running")
    return session


@contextmanager
def locked_alone(space: Locks) -> Iterator[None]:
    """An advisory lock that another connection holds."""
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, 0)", [space])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [space])  # the pool keeps the connection
    other.close()


@contextmanager
def locked(model: type[Run] | type[Session], pk: int) -> Iterator[None]:
    """The row locked by another connection."""
    there, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            model.objects.select_for_update().get(pk=pk)
            there.set()
            done.wait(30)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert there.wait(10)
    try:
        yield
    finally:
        done.set()
        thread.join()
