"""The bulk store: whole days in and out of Postgres, as columns.

A write compares whole days by content hash: the same is left alone, another becomes a new version.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from django.db import connection, transaction
from django.db.models import Count
from psycopg.pq import Format

from marketdata import arrays
from marketdata.arrays import FLOAT8, INT4, INT8, Float8Column, Int4Column, Int8Column, pack
from marketdata.calendar import trading_day
from marketdata.columns import BarColumns, Floats, Ints
from marketdata.ledger import initial_ledger
from marketdata.models import BarDay, Dataset, Instrument, Scope

Key = tuple[int, str, dt.date, str]
"""Instrument, interval, date, scope."""


@dataclass(frozen=True, slots=True, eq=False)
class NewDay:
    """One instrument's day on its way in."""

    instrument_id: int
    date: dt.date
    bars: BarColumns
    scope: str = Scope.REGULAR
    interval: str = "1m"
    ledger: str = ""
    known_at: dt.datetime | None = None
    origin: str = ""
    n_present: Ints | None = None

    @property
    def key(self) -> Key:
        return self.instrument_id, self.interval, self.date, str(self.scope)


@dataclass(slots=True)
class WriteReport:
    """Bars by what became of them, and days for which a version was written."""

    inserted: int = 0
    unchanged: int = 0
    revised: int = 0
    days_written: int = 0

    def __add__(self, other: WriteReport) -> WriteReport:
        return WriteReport(
            self.inserted + other.inserted,
            self.unchanged + other.unchanged,
            self.revised + other.revised,
            self.days_written + other.days_written,
        )


@dataclass(frozen=True, slots=True, eq=False)
class StoredDay:
    id: int
    symbol: str
    instrument_id: int
    version: int
    bars: BarColumns
    ledger: str
    content_hash: str


COPY = """
COPY marketdata_barday (dataset_id, instrument_id, interval, date, scope, version, current, open_at, close_at,
  bar_count, "offset", open, high, low, close, volume, trade_count, vwap, n_present, packed, ledger,
  content_hash, known_at, origin) FROM STDIN (FORMAT BINARY)
"""
COPY_TYPES = [
    *("int8", "int8", "varchar", "date", "varchar", "int4", "bool", "timestamptz", "timestamptz", "int4"),
    *("int4[]", "float8[]", "float8[]", "float8[]", "float8[]", "int8[]", "int8[]", "float8[]", "int4[]"),
    *("bytea", "text", "varchar", "timestamptz", "varchar"),
]
# Postgres sends an array element by element, a block in one piece.
SELECT = """
SELECT d.id, i.symbol, d.instrument_id, d.version, d.ledger, d.content_hash, d.bar_count, d.packed,
       CASE WHEN d.packed IS NULL THEN d."offset" END, CASE WHEN d.packed IS NULL THEN d.open END,
       CASE WHEN d.packed IS NULL THEN d.high END, CASE WHEN d.packed IS NULL THEN d.low END,
       CASE WHEN d.packed IS NULL THEN d.close END, CASE WHEN d.packed IS NULL THEN d.volume END,
       CASE WHEN d.packed IS NULL THEN d.trade_count END, CASE WHEN d.packed IS NULL THEN d.vwap END
  FROM marketdata_barday d JOIN marketdata_instrument i ON i.id = d.instrument_id
"""
CURRENT = """
SELECT d.instrument_id, d.interval, d.date, d.scope, d.version, d.content_hash, d.bar_count, d.id
  FROM marketdata_barday d
  JOIN unnest(%s::bigint[], %s::text[], %s::date[], %s::text[]) AS w(instrument_id, interval, date, scope)
    ON (d.instrument_id, d.interval, d.date, d.scope) = (w.instrument_id, w.interval, w.date, w.scope)
 WHERE d.dataset_id = %s AND d.current
"""
CURRENT_MINUTES = """
SELECT i.symbol, d.id, d.bar_count
  FROM marketdata_barday d JOIN marketdata_instrument i ON i.id = d.instrument_id
 WHERE d.dataset_id = %s AND d.date = %s AND d.current AND d.interval = '1m' AND d.scope = %s AND i.symbol = ANY(%s)
"""
WRITE_LOCK = 0x7AFE


@contextmanager
def column_cursor() -> Iterator[Any]:
    """A psycopg cursor on Django's connection that speaks numpy columns in binary."""
    connection.ensure_connection()
    # Django's own cursors bind on the client's side, which knows no binary results.
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.format = Format.BINARY
        arrays.register(cursor.adapters)
        yield cursor


@contextmanager
def writing(dataset_id: int) -> Iterator[Any]:
    """A transaction in which nobody else writes this dataset: two importers of a day must not make one version."""
    with transaction.atomic(), column_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [WRITE_LOCK, dataset_id])
        yield cursor


def write_days(dataset_id: int, days: Sequence[NewDay]) -> WriteReport:
    """Write days in one transaction. The same content is left alone; other content becomes the current version."""
    report = WriteReport()
    if not days:
        return report
    with writing(dataset_id) as cursor:
        current = _current(cursor, dataset_id, days)
        fresh: list[tuple[NewDay, int, str]] = []
        for day in days:
            _compare(day, current.get(day.key), fresh, report)
        _retire(cursor, [current[day.key][2] for day, version, _ in fresh if version > 1])
        with cursor.copy(COPY) as copy:
            copy.set_types(COPY_TYPES)
            for day, version, content in fresh:
                copy.write_row(_row(dataset_id, day, version, content))
    report.days_written = len(fresh)
    return report


Current = Mapping[Key, tuple[int, str, int]]


def _current(cursor: Any, dataset_id: int, days: Sequence[NewDay]) -> Current:
    """Key → (version, content hash, row) of the current versions."""
    keys = [list(part) for part in zip(*(day.key for day in days), strict=True)]
    cursor.execute(CURRENT, [*keys, dataset_id])
    return {tuple(row[:4]): (row[4], row[5], row[7]) for row in cursor.fetchall()}


def _compare(
    day: NewDay, held: tuple[int, str, int] | None, fresh: list[tuple[NewDay, int, str]], report: WriteReport
) -> None:
    content = day.bars.content_hash()
    if held is None:
        report.inserted += len(day.bars)
        fresh.append((day, 1, content))
    elif held[1] == content:
        report.unchanged += len(day.bars)
    else:
        report.revised += len(day.bars)
        fresh.append((day, held[0] + 1, content))


def _retire(cursor: Any, rows: Sequence[int]) -> None:
    if rows:
        cursor.execute("UPDATE marketdata_barday SET current = false WHERE id = ANY(%s)", [list(rows)])


def _row(dataset_id: int, day: NewDay, version: int, content: str) -> tuple[Any, ...]:
    session, bars = trading_day(day.date), day.bars
    ledger = day.ledger
    if not ledger and day.interval == "1m" and day.scope == Scope.REGULAR:
        ledger = initial_ledger(bars.offset, session.minutes)
    prices = (Float8Column(pack(column, FLOAT8)) for column in (bars.open, bars.high, bars.low, bars.close))
    present = Int4Column(pack(day.n_present, INT4)) if day.n_present is not None else None
    return (
        *(dataset_id, day.instrument_id, day.interval, day.date, str(day.scope), version, True),
        *(session.open, session.close, len(bars), Int4Column(pack(bars.offset, INT4)), *prices),
        *(_whole(bars.volume), _whole(bars.trade_count), _nullable(bars.vwap), present, bars.packed()),
        *(ledger, content, day.known_at, day.origin[:255]),
    )


def _whole(values: Floats) -> Int8Column | None:
    return None if len(values) and np.isnan(values).all() else Int8Column(pack(values, INT8))


def _nullable(values: Floats) -> Float8Column | None:
    return None if len(values) and np.isnan(values).all() else Float8Column(pack(values, FLOAT8))


def load_day(
    dataset_id: int, date: dt.date, symbols: Sequence[str], *, interval: str = "1m", scope: str = Scope.REGULAR
) -> dict[str, StoredDay]:
    """Symbol → the current version of that day, for the symbols that have one."""
    where = " WHERE d.dataset_id = %s AND d.date = %s AND d.current AND d.interval = %s AND d.scope = %s"
    return _load(where + " AND i.symbol = ANY(%s)", [dataset_id, date, interval, str(scope), list(symbols)])


def load_versions(barday_ids: Sequence[int]) -> dict[str, StoredDay]:
    """Symbol → exactly those rows, current or not: what a session has pinned."""
    return {day.symbol: day for day in load_rows(barday_ids)}


def load_rows(barday_ids: Sequence[int]) -> list[StoredDay]:
    """Exactly those rows, many days of a symbol among them."""
    return _rows(" WHERE d.id = ANY(%s)", [list(barday_ids)])


def load_other_content(dataset_id: int, days: Sequence[NewDay]) -> dict[Key, StoredDay]:
    """Key → the current version, for those of the days that the store has with other bars."""
    with column_cursor() as cursor:
        current = _current(cursor, dataset_id, days) if days else {}
    other = {current[day.key][2]: day.key for day in days if _differs(day, current.get(day.key))}
    return {other[stored.id]: stored for stored in load_rows(list(other))} if other else {}


def _differs(day: NewDay, held: tuple[int, str, int] | None) -> bool:
    return held is not None and held[1] != day.bars.content_hash()


def _load(where: str, params: Sequence[Any]) -> dict[str, StoredDay]:
    return {day.symbol: day for day in _rows(where, params)}


def _rows(where: str, params: Sequence[Any]) -> list[StoredDay]:
    with column_cursor() as cursor:
        cursor.execute(SELECT + where, params)
        return [_stored(row) for row in cursor.fetchall()]


def _stored(row: Sequence[Any]) -> StoredDay:
    day_id, symbol, instrument_id, version, ledger, content, count, block = row[:8]
    bars = _of_arrays(row[8:]) if block is None else BarColumns.unpacked(block, count)
    return StoredDay(day_id, symbol, instrument_id, version, bars, ledger, content)


def _of_arrays(columns: Sequence[Any]) -> BarColumns:
    offset, *prices = columns[:5]
    absent = np.full(len(offset), np.nan)
    rest = (absent if column is None else column.astype(np.float64) for column in columns[5:])
    return BarColumns(offset, *prices, *rest)


def dates_with(dataset_id: int, symbols: Sequence[str], interval: str = "1m") -> list[dt.date]:
    """Dates, ascending, on which all the symbols have a current regular day."""
    days = BarDay.objects.current().regular().filter(dataset_id=dataset_id, interval=interval)
    dates = days.filter(instrument__symbol__in=symbols).values("date").annotate(n=Count("instrument", distinct=True))
    return list(dates.filter(n=len(set(symbols))).order_by("date").values_list("date", flat=True))


def current_rows(dataset_id: int, date: dt.date, symbols: Iterable[str]) -> dict[str, int]:
    """Symbol → the row of its current regular day of minutes, for the symbols that have one on that date."""
    return {symbol: row for symbol, row, _ in _current_minutes(dataset_id, date, symbols)}


def bar_counts(dataset_id: int, date: dt.date, symbols: Iterable[str]) -> dict[str, int]:
    """Symbol → minutes of its current regular day, for the symbols that have one on that date."""
    return {symbol: count for symbol, _, count in _current_minutes(dataset_id, date, symbols)}


def _current_minutes(dataset_id: int, date: dt.date, symbols: Iterable[str]) -> list[tuple[str, int, int]]:
    """(symbol, row, bars). The symbols go as one array: as a list of 500 values they cost more than the query."""
    with connection.cursor() as cursor:
        cursor.execute(CURRENT_MINUTES, [dataset_id, date, Scope.REGULAR.value, list(symbols)])
        return list(cursor.fetchall())


def have(dataset_id: int, date: dt.date, symbols: Iterable[str]) -> set[str]:
    """Those of the symbols that have a current regular day of minutes on that date."""
    return set(current_rows(dataset_id, date, symbols))


def choose_dataset(symbols: Sequence[str], date: dt.date | None = None) -> Dataset | None:
    """The dataset for these symbols: real before synthetic, then the most complete, then the latest."""
    days = BarDay.objects.current().regular().filter(interval="1m", instrument__symbol__in=symbols)
    if date is not None:
        days = days.filter(date=date)
    rows = days.values("dataset", "dataset__synthetic", "date").annotate(n=Count("instrument", distinct=True))
    complete: dict[int, tuple[bool, int, dt.date]] = {}
    for row in rows.filter(n=len(set(symbols))):
        _, count, last = complete.get(row["dataset"], (False, 0, dt.date.min))
        complete[row["dataset"]] = (not row["dataset__synthetic"], count + 1, max(last, row["date"]))
    if not complete:
        return None
    return Dataset.objects.get(pk=max(complete, key=lambda pk: complete[pk]))


def ensure_instruments(symbols: Iterable[str]) -> dict[str, int]:
    """Symbol → id, unknown ones created."""
    wanted = sorted(set(symbols))
    known = dict(Instrument.objects.filter(symbol__in=wanted).values_list("symbol", "id"))
    missing = [symbol for symbol in wanted if symbol not in known]
    if missing:
        Instrument.objects.bulk_create([Instrument(symbol=symbol) for symbol in missing], ignore_conflicts=True)
        known |= dict(Instrument.objects.filter(symbol__in=missing).values_list("symbol", "id"))
    return known
