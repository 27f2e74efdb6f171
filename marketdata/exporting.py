"""Stored bars as tables for files: a table per symbol and a few hundred days, so that any export fits in memory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from django.db.models import QuerySet

from marketdata.columns import BarColumns, Floats, Ints, join_bars
from marketdata.derive import derive
from marketdata.errors import MarketDataError
from marketdata.importing.base.exported import METADATA
from marketdata.intervals import parse_interval
from marketdata.models import Dataset, DayVersion
from marketdata.store import BoundedDay, load_bounded_days
from marketdata.wire_events import whole

DAYS = 250
"""Days of a symbol in one table: some 100,000 bars."""
SUFFIXES = (".csv", ".csv.gz", ".parquet")
PRICES = ("open", "high", "low", "close")
AMOUNTS = ("volume", "trade_count")
MINUTES = ("n_present", "n_expected")
RFC3339 = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class Export:
    """What is asked for: dates are included, None is open; derived bars are made from the stored minutes."""

    dataset: Dataset
    symbols: Sequence[str]
    start: dt.date | None = None
    end: dt.date | None = None
    interval: str = "1m"
    extended: bool = False

    def schema(self) -> pa.Schema:
        floats = [(name, pa.float64()) for name in PRICES]
        amounts = [(name, pa.float64()) for name in AMOUNTS]
        minutes = [(name, pa.int64()) for name in (MINUTES if self.interval != "1m" else ())]
        stamp = ("timestamp", pa.timestamp("s", tz="UTC"))
        return pa.schema(
            [("symbol", pa.string()), stamp, *floats, *amounts, *minutes, ("vwap", pa.float64())], METADATA
        )

    def tables(self) -> Iterator[pa.Table]:
        """Symbol by symbol, in time order."""
        for symbol in self.symbols:
            ids = list(self._days(symbol).values_list("pk", flat=True))
            for at in range(0, len(ids), DAYS):
                yield self._table(symbol, load_bounded_days(ids[at : at + DAYS]))

    def _days(self, symbol: str) -> QuerySet[DayVersion]:
        days = DayVersion.objects.current().minutes().filter(dataset=self.dataset, instrument__symbol=symbol)
        days = days if self.extended else days.regular()
        if self.start:
            days = days.filter(date__gte=self.start)
        if self.end:
            days = days.filter(date__lte=self.end)
        return days.order_by("date", "scope")

    def _table(self, symbol: str, days: Sequence[BoundedDay]) -> pa.Table:
        parts = [self._bars(day) for day in days]
        start, present, expected = (np.concatenate([part[i] for part in parts]) for i in (0, 2, 3))
        bars = join_bars([part[1] for part in parts])
        order = np.argsort(start, kind="stable")
        columns = {"symbol": pa.array([symbol] * len(start)), "timestamp": pa.array(start[order].astype("M8[s]"))}
        columns |= {name: pa.array(getattr(bars, name)[order]) for name in PRICES}
        columns |= {name: _absent(getattr(bars, name)[order]) for name in (*AMOUNTS, "vwap")}
        columns |= {"n_present": pa.array(present), "n_expected": pa.array(expected)}
        return pa.table({field.name: columns[field.name].cast(field.type) for field in self.schema()})

    def _bars(self, day: BoundedDay) -> tuple[Ints, BarColumns, Ints, Ints]:
        """Starts in seconds since 1970, the bars, and the minutes that each has and should have."""
        if self.interval == "1m":
            ones = np.ones(len(day.bars), np.int64)
            return day.open + day.bars.offset, day.bars, ones, ones
        made = derive(day.bars, (day.close - day.open) // 60, parse_interval(self.interval), midday=day.midday)
        return day.open + made.columns.offset, made.columns, made.n_present, made.n_expected


def _absent(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))


class BarFile:
    """A file of one of SUFFIXES. It appears under its name when it is whole: `with BarFile(path, schema) as file`."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        if not path.name.endswith(SUFFIXES):
            raise MarketDataError(f"{path}: not one of the forms {', '.join(SUFFIXES)}.")
        self._path, self._part = path, path.with_name(f".{path.name}.part")
        self._parquet = path.name.endswith(".parquet")
        self._sink = pa.output_stream(str(self._part), compression="gzip" if path.name.endswith(".gz") else None)
        self._writer = pq.ParquetWriter(self._sink, schema) if self._parquet else _csv_writer(self._sink, schema)

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table if self._parquet else _as_text(table))

    def __enter__(self) -> BarFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._writer.close()
        self._sink.close()
        if kind is None:
            self._part.replace(self._path)
        else:
            self._part.unlink()


def csv_text(table: pa.Table, *, header: bool) -> str:
    """A table as CSV: the shortest decimals that round-trip, absent values empty."""
    sink = pa.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=header, quoting_style="none", quoting_header="none")
    pyarrow.csv.write_csv(_as_text(table), sink, options)
    return str(sink.getvalue().to_pybytes().decode())


def _csv_writer(sink: pa.NativeFile, schema: pa.Schema) -> pyarrow.csv.CSVWriter:
    options = pyarrow.csv.WriteOptions(quoting_style="none", quoting_header="none")
    return pyarrow.csv.CSVWriter(sink, _text_schema(schema), write_options=options)


def _as_text(table: pa.Table) -> pa.Table:
    """Stamps with a Z, and whole amounts without a decimal point."""
    columns = {"timestamp": pc.strftime(table["timestamp"], format=RFC3339)}
    columns |= {name: _amounts(table[name]) for name in AMOUNTS}
    for name, column in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return table


def _amounts(values: pa.ChunkedArray) -> pa.Array:
    if pc.all(pc.equal(values, pc.floor(values)), min_count=0).as_py():
        return pc.cast(pc.cast(values, pa.int64()), pa.string())
    return pa.array([None if value is None else str(whole(value)) for value in values.to_pylist()], pa.string())


def _text_schema(schema: pa.Schema) -> pa.Schema:
    for name in ("timestamp", *AMOUNTS):
        schema = schema.set(schema.get_field_index(name), pa.field(name, pa.string()))
    return schema
