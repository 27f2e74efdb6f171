"""What a round of upkeep costs with 1,000 active streams and nothing to do. The limit is 200 ms."""

from __future__ import annotations

import datetime as dt
import statistics
import time
from collections.abc import Callable, Iterator

from benchmarks.rows import Row

STREAMS, ROUNDS = 1_000, 15
NAME = "upkeep idle"


def run() -> Iterator[Row]:
    from sessions.models import Session

    for sessions in (1, 100, 1_000):
        Session.objects.filter(name=NAME).delete()
        prepare(sessions, STREAMS // sessions)
        shape = f"upkeep, {sessions} sessions x {STREAMS // sessions} symbols"
        wall, cpu = median_ms(lambda: None)
        yield Row(f"{shape}, nothing changed", wall, "ms", f"limit 200 ms; {cpu:.0f} ms of CPU in this process")
        wall, cpu = median_ms(forward)
        yield Row(f"{shape}, every clock a minute on", wall, "ms", f"{cpu:.0f} ms of CPU in this process")
    Session.objects.filter(name=NAME).delete()


def prepare(sessions: int, symbols: int) -> None:
    """Sessions an hour into a day, whose symbols each lack a few minutes that nobody can be asked for."""
    from django.utils import timezone

    from marketdata import store
    from marketdata.calendar import trading_day
    from marketdata.models import Dataset
    from marketdata.providers.synthetic import make_day
    from marketdata.store import NewDay
    from sessions.models import ActiveStream, JournalEntry, Pin, Run, Session, State

    day = trading_day(dt.date(2024, 11, 18))
    dataset, _ = Dataset.objects.get_or_create(name="bench", defaults={"source": "bench"})
    names = [f"S{i}" for i in range(symbols)]
    ids = store.ensure_instruments(names)
    store.write_days(dataset.pk, [NewDay(ids[name], day.date, make_day(name, day)) for name in names])
    pins = {name: row.id for name, row in store.load_day(dataset.pk, day.date, names).items()}
    row = {"name": NAME, "dataset": dataset, "start_date": day.date, "end_date": day.date, "state": State.RUNNING}
    made = Session.objects.bulk_create([Session(**row) for _ in range(sessions)])
    place = {"clock": day.open + dt.timedelta(minutes=60), "lease_renewed_at": timezone.now() + dt.timedelta(hours=1)}
    Run.objects.bulk_create([Run(session=session, **place) for session in made])
    load = {"date": day.date.isoformat()}
    JournalEntry.objects.bulk_create(
        [JournalEntry(session=session, number=0, kind="start", payload={"symbols": names}) for session in made]
        + [JournalEntry(session=session, number=1, kind="load", payload=load) for session in made]
    )
    Pin.objects.bulk_create(
        [
            Pin(session=session, date=day.date, kind="bars", instrument_id=ids[name], day_id=row)
            for session in made
            for name, row in pins.items()
        ]
    )
    ActiveStream.objects.bulk_create(
        [ActiveStream(session=session, instrument_id=ids[name]) for session in made for name in names]
    )


def forward() -> None:
    from django.db.models import F

    from sessions.models import Run

    Run.objects.filter(session__name=NAME).update(clock=F("clock") + dt.timedelta(minutes=1))


def median_ms(before: Callable[[], object]) -> tuple[float, float]:
    """The wall time and this process's CPU time of a round, after two to warm up."""
    from streaming.upkeep import rounds

    taken = []
    for _ in range(ROUNDS + 2):
        before()
        wall, cpu = time.perf_counter(), time.process_time()
        rounds.run()
        taken.append(((time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000))
    walls, cpus = zip(*taken[2:], strict=True)
    return statistics.median(walls), statistics.median(cpus)
