"""What the store is measured against: the same bars as a row each, in a table of their own, and in files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks import world

SYMBOLS = 500
DAY = dt.date(2025, 6, 2)
CREATE = """
CREATE TABLE bench_row (
  instrument_id int NOT NULL, start timestamptz NOT NULL, open float8 NOT NULL, high float8 NOT NULL,
  low float8 NOT NULL, close float8 NOT NULL, volume bigint, trade_count bigint, vwap float8,
  PRIMARY KEY (instrument_id, start))
"""
COPY = "COPY bench_row FROM STDIN (FORMAT CSV)"


@dataclass(frozen=True, slots=True)
class Rows:
    """One day's bars: as columns by symbol, as a table, and as files."""

    days: dict[str, Any]
    table: Any
    csv: Path
    parquet: Path

    def __len__(self) -> int:
        return int(self.table.num_rows)


@cache
def a_day() -> Rows:
    """One synthetic day of SYMBOLS symbols, with trade counts and vwap."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from marketdata import calendar
    from marketdata.columns import join_bars
    from marketdata.exporting import csv_text
    from marketdata.providers.synthetic import make_day

    day = calendar.trading_day(DAY)
    days = {name: make_day(name, day) for name in world.symbols(SYMBOLS)}
    bars = join_bars(list(days.values()))
    stamps = pa.array((bars.offset + round(day.open.timestamp())).astype("M8[s]")).cast(pa.timestamp("s", "UTC"))
    columns = {"symbol": np.repeat(list(days), [len(held) for held in days.values()]), "timestamp": stamps}
    names = ("open", "high", "low", "close", "volume", "trade_count", "vwap")
    columns |= {name: pa.array(getattr(bars, name), from_pandas=True) for name in names}
    table = pa.table(columns)
    for count in ("volume", "trade_count"):
        table = table.set_column(table.schema.get_field_index(count), count, table[count].cast(pa.int64()))
    folder = world.VAR / "files"
    folder.mkdir(parents=True, exist_ok=True)
    rows = Rows(days, table, folder / "bars.csv", folder / "bars.parquet")
    rows.csv.write_text(csv_text(table, header=True))
    pq.write_table(table, rows.parquet)
    return rows


@contextmanager
def row_table() -> Iterator[Any]:
    """An empty table with a row per bar, and the model that reads and writes it."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_row")
        cursor.execute(CREATE)
    try:
        yield _model()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE bench_row")


@cache
def _model() -> Any:
    from django.db import models

    class BenchRow(models.Model):
        pk = models.CompositePrimaryKey("instrument_id", "start")
        instrument_id = models.IntegerField()
        start = models.DateTimeField()
        open = models.FloatField()
        high = models.FloatField()
        low = models.FloatField()
        close = models.FloatField()
        volume = models.BigIntegerField(null=True)
        trade_count = models.BigIntegerField(null=True)
        vwap = models.FloatField(null=True)

        class Meta:
            app_label = "benchmarks"
            db_table = "bench_row"
            managed = False

    return BenchRow


@cache
def csv_lines() -> bytes:
    """The rows as COPY takes them: the symbol's number instead of its name, no head line."""
    lines = a_day().csv.read_text().splitlines()[1:]
    return "".join(f"{line[1:4].lstrip('0') or '0'}{line[4:]}\n" for line in lines).encode()


def copy_rows() -> None:
    """Plain COPY of ready-made text: the fastest that rows can go in."""
    from django.db import connection, transaction

    data = csv_lines()
    with transaction.atomic(), connection.cursor() as cursor, cursor.copy(COPY) as copy:
        for at in range(0, len(data), 1 << 18):
            copy.write(data[at : at + (1 << 18)])
