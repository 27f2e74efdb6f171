"""What the machine can do with the same bytes: copy them in memory, and append them to Redis."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks import world
from benchmarks.rows import Row

SYMBOLS, ROUNDS = 500, 5


def run() -> Iterator[Row]:
    bodies, bars = a_day_of_bodies()
    size = sum(map(len, bodies))
    seconds = min(_copied(bodies) for _ in range(ROUNDS))
    yield Row(f"memory copy, {SYMBOLS} symbols, 1 day", bars / seconds, "bars/s", f"{size / seconds / 1e9:.1f} GB/s")
    seconds = min(_appended(bodies) for _ in range(ROUNDS))
    yield Row(f"Redis append, {SYMBOLS} symbols, 1 day", bars / seconds, "bars/s", f"{size / seconds / 1e6:.0f} MB/s")


def a_day_of_bodies() -> tuple[list[bytes], int]:
    """The frames of one day, as a session publishes them."""
    from marketdata import calendar, store
    from marketdata.models import Dataset
    from streaming.engine.tape.merge import Tape

    names = world.symbols(SYMBOLS)
    dataset, first, _, bars = world.ensure_days(names, 1)
    held = store.load_day(Dataset.objects.get(name=dataset).pk, first, list(names))
    tape = Tape(calendar.trading_day(first), {name: day.bars for name, day in held.items()}, (), True)
    return [tape.body(k, None, frozenset(names)) for k in range(len(tape))], bars


def _copied(bodies: list[bytes]) -> float:
    began = time.perf_counter()
    for body in bodies:
        bytearray(body)
    return time.perf_counter() - began


def _appended(bodies: list[bytes]) -> float:
    """In pipelines of about a megabyte, as the engine does."""
    import redis
    from django.conf import settings

    client = redis.Redis.from_url(settings.REDIS_URL)
    client.delete("benchmark")
    began = time.perf_counter()
    pipe, held = client.pipeline(transaction=False), 0
    for body in bodies:
        pipe.xadd("benchmark", {"b": body})
        held += len(body)
        if held > 1 << 20:
            pipe.execute()
            held = 0
    pipe.execute()
    seconds = time.perf_counter() - began
    client.delete("benchmark")
    return seconds
