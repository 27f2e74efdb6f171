"""What a round of upkeep costs with 1,000 active streams and nothing to do: `python -m benchmarks.upkeep_idle`.

On a database of its own, on the servers of the test suite. The limit is 200 ms.
"""

from __future__ import annotations

import datetime as dt
import os
import statistics
import time

STREAMS = 1_000
LIMIT_MS = 200
ROUNDS = 15


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()
    from django.db import connection

    from config.embedded import services

    services.start()
    old = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0)
    try:
        for sessions in (1, 100, 1_000):
            measure(sessions, STREAMS // sessions)
    finally:
        connection.creation.destroy_test_db(old, verbosity=0)
        services.stop()


def measure(sessions: int, symbols: int) -> None:
    from sessions.models import Session

    Session.objects.all().delete()
    prepare(sessions, symbols)
    still = rounds(lambda: None)
    moving = rounds(lambda: forward())
    shape = f"{sessions:>5} sessions x {symbols:>4} symbols"
    verdict = "ok" if still <= LIMIT_MS else f"above the limit of {LIMIT_MS} ms"
    print(f"{shape}: nothing changed {still:6.1f} ms ({verdict}), every clock a minute on {moving:6.1f} ms")


def prepare(sessions: int, symbols: int) -> None:
    """Sessions an hour into a day, whose symbols each lack a few minutes that nobody can be asked for."""
    from django.utils import timezone

    from marketdata import store
    from marketdata.calendar import trading_day
    from marketdata.models import Dataset
    from marketdata.providers.synthetic import make_day
    from marketdata.store import NewDay
    from sessions.models import ActiveStream, JournalEntry, Session, State

    day = trading_day(dt.date(2024, 11, 18))
    dataset, _ = Dataset.objects.get_or_create(name="bench", defaults={"source": "bench"})
    names = [f"S{i}" for i in range(symbols)]
    ids = store.ensure_instruments(names)
    store.write_days(dataset.pk, [NewDay(ids[name], day.date, make_day(name, day)) for name in names])
    pins = {name: row.id for name, row in store.load_day(dataset.pk, day.date, names).items()}
    row = {"dataset": dataset, "start_date": day.date, "end_date": day.date, "state": State.RUNNING}
    row |= {"clock": day.open + dt.timedelta(minutes=60), "lease_renewed_at": timezone.now() + dt.timedelta(hours=1)}
    made = Session.objects.bulk_create([Session(**row) for _ in range(sessions)])
    load = {"date": day.date.isoformat(), "days": pins}
    JournalEntry.objects.bulk_create(
        [JournalEntry(session=session, number=0, kind="start", payload={"symbols": names}) for session in made]
        + [JournalEntry(session=session, number=1, kind="load", payload=load) for session in made]
    )
    ActiveStream.objects.bulk_create(
        [ActiveStream(session=session, instrument_id=ids[name]) for session in made for name in names]
    )


def forward() -> None:
    from django.db.models import F

    from sessions.models import Session

    Session.objects.update(clock=F("clock") + dt.timedelta(minutes=1))


def rounds(before: object) -> float:
    """Median milliseconds of a round, after two to warm up."""
    from streaming import upkeep

    taken = []
    for _ in range(ROUNDS + 2):
        before()  # type: ignore[operator]
        begun = time.perf_counter()
        upkeep.run()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken[2:])


if __name__ == "__main__":
    main()
