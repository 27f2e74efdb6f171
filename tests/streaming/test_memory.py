"""A worker's memory over many days: flat, for it holds the current day and at most the next."""

from __future__ import annotations

import datetime as dt
import time

import psutil
import pytest

from marketdata import calendar, store
from marketdata.providers.base import get_provider, provider_dataset
from marketdata.providers.synthetic import make_day
from marketdata.store import NewDay
from sessions import control
from sessions.models import State
from streaming.starts import service
from streaming.starts.request import StartRequest
from tests.workers import StartWorker

SYMBOLS = tuple(f"M{number:02d}" for number in range(100))
DAYS = calendar.trading_days(dt.date(2025, 6, 2), dt.date(2025, 6, 30))[:20]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def twenty_days(transactional_db: None) -> str:
    dataset = provider_dataset(get_provider("synthetic"))
    ids = store.ensure_instruments(SYMBOLS)
    for day in DAYS:
        store.write_days(dataset.pk, [NewDay(ids[name], day.date, make_day(name, day)) for name in SYMBOLS])
    return dataset.name


@pytest.mark.timeout(400)
def test_twenty_days_of_a_hundred_symbols_take_no_more_memory_than_five(
    start_worker: StartWorker, twenty_days: str
) -> None:
    """A hundred symbols' day is about three megabytes as columns: fifteen days kept would be seen."""
    worker = psutil.Process(start_worker().pid)
    request = StartRequest(SYMBOLS, DAYS[0].date, DAYS[-1].date, speed=36_000.0, dataset=twenty_days)
    session = service.start(request).session
    resident: dict[dt.date, int] = {}
    held: set[int] = set()
    end = time.monotonic() + 300
    while session.is_live and time.monotonic() < end:
        session.refresh_from_db()
        held.add(len(session.run.days_held))
        if session.run.clock:
            date = calendar.session_date_of(session.run.clock)
            resident[date] = max(resident.get(date, 0), worker.memory_info().rss)
        if len(resident) > 5:
            control.set_speed(session.pk, 0.0) if session.speed else None
        time.sleep(0.02)
    assert session.state == State.COMPLETED
    assert held <= {0, 1, 2}, "the current day and the next, never a third"
    days = sorted(resident)
    early = max(resident[day] for day in days[:5])
    assert len(days) >= 8
    assert resident[days[-1]] - early < 20e6
