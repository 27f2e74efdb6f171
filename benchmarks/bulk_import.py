"""Bars into Postgres: the import of files and the store's own write, beside plain COPY and bulk_create of rows."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.row_per_bar import DAY, SYMBOLS, a_day, copy_rows, csv_lines, row_table
from benchmarks.rows import Row

ROUNDS = 3
CREATED = 20_000
"""Objects for bulk_create: its rate does not depend on how many there are."""


def run() -> Iterator[Row]:
    rows = a_day()
    of = f"{SYMBOLS} symbols, 1 day"
    csv_lines()
    copied = len(rows) / _best(_copy)
    yield Row(f"plain COPY of rows, {of}", copied, "bars/s", "ready-made text into a row per bar")
    created = CREATED / _best(_bulk_create)
    yield Row(f"bulk_create of rows, {CREATED:,}", created, "bars/s", _times(created, copied, "COPY"))
    written = len(rows) / _best(_write)
    yield Row(f"store.write_days, {of}", written, "bars/s", _times(written, copied, "COPY"))
    for path in (rows.parquet, rows.csv):
        imported = len(rows) / _best(partial(_import, path))
        message = f"{_times(imported, copied, 'COPY')}, {_times(imported, created, 'bulk_create')}; parsing included"
        yield Row(f"import_bars of {path.suffix[1:]}, {of}", imported, "bars/s", message)
    again = len(rows) / _best(lambda: _import(rows.parquet, forget=False))
    yield Row(f"re-import of parquet, {of}", again, "bars/s", "unchanged: nothing is written")


def _times(figure: float, other: float, name: str) -> str:
    return f"{figure / other:.2f} x {name}"


def _best(measure: Callable[[], float]) -> float:
    return min(measure() for _ in range(ROUNDS))


def _copy() -> float:
    with row_table():
        began = time.perf_counter()
        copy_rows()
        return time.perf_counter() - began


def _bulk_create() -> float:
    """Objects made from ready values, then written."""
    values = a_day().table.slice(0, CREATED).to_pylist()
    for row in values:
        row["instrument_id"] = int(row.pop("symbol")[1:])
        row["start"] = row.pop("timestamp").replace(tzinfo=dt.UTC)
    with row_table() as model:
        began = time.perf_counter()
        model.objects.bulk_create([model(**row) for row in values], batch_size=2_000)
        return time.perf_counter() - began


def _write() -> float:
    from marketdata import store
    from marketdata.store import NewDay

    dataset = _forgotten()
    rows = a_day()
    ids = store.ensure_instruments(rows.days)
    began = time.perf_counter()
    store.write_days(dataset, [NewDay(ids[name], DAY, bars) for name, bars in rows.days.items()])
    return time.perf_counter() - began


def _import(path: Path, *, forget: bool = True) -> float:
    from marketdata.importing.base.file_form import FileForm
    from marketdata.importing.run import ImportRun

    if forget:
        _forgotten()
    began = time.perf_counter()
    run = ImportRun(str(path))
    run.read(path, FileForm(), "bench-import")
    (report,) = run.write()
    seconds = time.perf_counter() - began
    assert report.inserted + report.unchanged == len(a_day())
    return seconds


def _forgotten() -> int:
    """The benchmark's own dataset, without a day."""
    from marketdata.models import Dataset, DayVersion

    dataset, _ = Dataset.objects.get_or_create(name="bench-import", defaults={"source": "bench-import"})
    DayVersion.objects.filter(dataset=dataset).delete()
    return int(dataset.pk)
