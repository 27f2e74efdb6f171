"""A day out of Postgres as columns, beside the ORM over a row per bar and the same columns from Parquet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from benchmarks import world
from benchmarks.row_per_bar import DAY, SYMBOLS, a_day, copy_rows, row_table
from benchmarks.rows import Row

ROUNDS = 5
COLUMNS = ["timestamp", "open", "high", "low", "close", "volume", "trade_count", "vwap"]


def run() -> Iterator[Row]:
    rows, of = a_day(), f"{SYMBOLS} symbols, 1 day"
    dataset = _stored()
    with row_table() as model:
        copy_rows()
        objects = len(rows) / _best(lambda: len(list(model.objects.all())), 2)
        yield Row(f"ORM objects, {of}", objects, "bars/s", "from a row per bar")
        tuples = len(rows) / _best(lambda: len(list(model.objects.values_list(*COLUMNS_OF_ROWS))), 2)
        yield Row(f"ORM values_list, {of}", tuples, "bars/s", f"{tuples / objects:.1f} x ORM objects")
    parquet = len(rows) / _best(lambda: _parquet(rows.parquet))
    loaded = len(rows) / _best(lambda: _load(dataset))
    yield Row(
        f"store.load_day, {of}", loaded, "bars/s", f"{loaded / objects:.1f} x ORM, {loaded / parquet:.2f} x Parquet"
    )
    yield Row(f"Parquet file, {of}", parquet, "bars/s", "the same columns into numpy, split by symbol")


COLUMNS_OF_ROWS = ("instrument_id", "start", "open", "high", "low", "close", "volume", "trade_count", "vwap")


def _best(measure: Callable[[], int], rounds: int = ROUNDS) -> float:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        assert measure() >= SYMBOLS
        times.append(time.perf_counter() - began)
    return min(times)


def _stored() -> int:
    from marketdata import store
    from marketdata.models import Dataset
    from marketdata.store import NewDay

    dataset, _ = Dataset.objects.get_or_create(name="bench-load", defaults={"source": "bench-load"})
    ids = store.ensure_instruments(a_day().days)
    store.write_days(dataset.pk, [NewDay(ids[name], DAY, bars) for name, bars in a_day().days.items()])
    return int(dataset.pk)


def _load(dataset: int) -> int:
    from marketdata import store

    return sum(len(day.bars) for day in store.load_day(dataset, DAY, world.symbols(SYMBOLS)).values())


def _parquet(path: object) -> int:
    """Read, and cut by symbol, as the store gives it."""
    import numpy as np
    import pyarrow.parquet as pq

    table = pq.read_table(path, columns=["symbol", *COLUMNS])
    symbols = table["symbol"].combine_chunks().dictionary_encode().indices.to_numpy()
    columns = [table[name].to_numpy() for name in COLUMNS]
    starts = np.flatnonzero(np.concatenate([[True], symbols[1:] != symbols[:-1]]))
    parts = [np.split(column, starts[1:]) for column in columns]
    return sum(len(part) for part in parts[0])
