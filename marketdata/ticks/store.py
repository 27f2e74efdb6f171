"""Days of trades and quotes in and out of Postgres, chunk by chunk, as columns.

A write compares whole days by content hash: the same is left alone, another becomes a new version.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Max
from numpy.typing import NDArray

from marketdata.arrays import FLOAT8, INT4, INT8, Float8Column, Int4Column, Int8Column, pack_plain
from marketdata.calendar import TradingDay, trading_day
from marketdata.columns import Ints
from marketdata.ledger import initial_ledger
from marketdata.models import Dataset, Scope
from marketdata.store import WRITE_LOCK, WriteReport, column_cursor
from marketdata.tick_models import TickDay
from marketdata.ticks.columns import CODES, DERIVED, VALUES, TickColumns, TickKind, empty, join

CHUNK_ROWS = 20_000
"""Rows of a chunk; all but a day's last are full. The SQL views count on it."""
MINUTE_NS = 60_000_000_000
TABLES = {TickKind.TRADES: "marketdata_tradechunk", TickKind.QUOTES: "marketdata_quotechunk"}


@dataclass(frozen=True, slots=True, eq=False)
class NewTicks:
    """One instrument's trades or quotes of a day on their way in."""

    instrument_id: int
    date: dt.date
    rows: TickColumns
    scope: str = Scope.REGULAR
    known_at: dt.datetime | None = None
    origin: str = ""

    @property
    def derived(self) -> bool:
        return bool(len(self.rows) and (self.rows.flags & DERIVED).all())


@dataclass(frozen=True, slots=True)
class StoredTicks:
    """A stored day without its rows: those are read chunk by chunk."""

    id: int
    symbol: str
    instrument_id: int
    kind: str
    version: int
    row_count: int
    chunk_count: int
    derived: bool
    ledger: str


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Where a day's chunks lie: nanoseconds from the open, both ends included; one row a chunk, in order.

    `before`: the day's events before each chunk.
    """

    first: Ints
    last: Ints
    before: Ints

    def __len__(self) -> int:
        return len(self.first)


# --- in -----------------------------------------------------------------------------------------------


def write_ticks(dataset_id: int, days: Iterable[NewTicks]) -> WriteReport:
    """Write days in one transaction. The same content is left alone; other content becomes the current version."""
    report = WriteReport()
    with transaction.atomic(), column_cursor() as cursor:
        # Writers of one dataset take turns: two importers of the same day must not make the same version.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [WRITE_LOCK, dataset_id])
        for day in days:
            _write(cursor, dataset_id, day, report)
    return report


def _write(cursor: Any, dataset_id: int, day: NewTicks, report: WriteReport) -> None:
    content = day.rows.content_hash()
    same = TickDay.objects.filter(
        dataset_id=dataset_id,
        instrument_id=day.instrument_id,
        kind=day.rows.kind,
        date=day.date,
        scope=day.scope,
        derived=day.derived,
    )
    held = same.current().first()
    if held and held.content_hash == content:
        report.unchanged += len(day.rows)
        return
    if held:
        report.revised += len(day.rows)
        same.current().update(current=False)
    else:
        report.inserted += len(day.rows)
    version = (same.aggregate(last=Max("version"))["last"] or 0) + 1
    row = _day_row(dataset_id, day, version, content)
    row.save()
    _copy_chunks(cursor, row, day.rows)
    report.days_written += 1


def _day_row(dataset_id: int, day: NewTicks, version: int, content: str) -> TickDay:
    session = trading_day(day.date)
    return TickDay(
        dataset_id=dataset_id,
        instrument_id=day.instrument_id,
        kind=day.rows.kind,
        date=day.date,
        scope=day.scope,
        derived=day.derived,
        version=version,
        open_at=session.open,
        close_at=session.close,
        row_count=len(day.rows),
        chunk_count=-(-len(day.rows) // CHUNK_ROWS),
        ledger=minutes_with(day.rows.at, session) if day.scope == Scope.REGULAR else "",
        content_hash=content,
        known_at=day.known_at,
        origin=day.origin[:255],
    )


def minutes_with(at: Ints, session: TradingDay) -> str:
    """A ledger: T for every session minute with an event, A for the others."""
    return initial_ledger(np.unique(at // MINUTE_NS) * 60, session.minutes)


def _copy_chunks(cursor: Any, day: TickDay, rows: TickColumns) -> None:
    names = (*VALUES[day.kind], *CODES[day.kind])
    columns = ", ".join(("day_id", "number", "row_count", "first_at", "last_at", "at", "flags", "words", *names))
    types = ["int8", "int4", "int4", "int8", "int8", "int8[]", "int4[]", "text[]"]
    types += ["float8[]"] * len(VALUES[day.kind]) + ["int4[]"] * len(CODES[day.kind])
    with cursor.copy(f"COPY {TABLES[TickKind(day.kind)]} ({columns}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(types)
        for number, low in enumerate(range(0, len(rows), CHUNK_ROWS)):
            part = rows.take(slice(low, low + CHUNK_ROWS)).compact()
            copy.write_row((day.pk, number, *_chunk_row(part)))


def _chunk_row(part: TickColumns) -> tuple[Any, ...]:
    values = (Float8Column(pack_plain(column, FLOAT8)) for column in part.values)
    codes = (Int4Column(pack_plain(column, INT4)) for column in part.codes)
    return (
        *(len(part), int(part.at[0]), int(part.at[-1]), Int8Column(pack_plain(part.at, INT8))),
        *(Int4Column(pack_plain(part.flags, INT4)), list(part.words), *values, *codes),
    )


# --- out ----------------------------------------------------------------------------------------------


def find_ticks(
    dataset_id: int,
    kind: str,
    date: dt.date,
    symbols: Iterable[str],
    *,
    scope: str = Scope.REGULAR,
    derived: bool | None = None,
) -> dict[str, StoredTicks]:
    """Symbol → the current version of that day, recorded before derived, for the symbols that have one."""
    days = TickDay.objects.current().filter(dataset_id=dataset_id, kind=kind, date=date, scope=scope)
    if derived is not None:
        days = days.filter(derived=derived)
    rows = days.filter(instrument__symbol__in=list(symbols)).select_related("instrument")
    return {row.instrument.symbol: stored_ticks(row) for row in rows.order_by("-derived")}


def find_versions(day_ids: Sequence[int]) -> list[StoredTicks]:
    """Exactly those days, current or not: what a session has pinned."""
    rows = TickDay.objects.filter(pk__in=list(day_ids)).select_related("instrument")
    return [stored_ticks(row) for row in rows.order_by("kind", "instrument__symbol")]


def stored_ticks(row: TickDay) -> StoredTicks:
    """A day without its rows; wants the instrument selected along."""
    return StoredTicks(
        row.pk,
        row.instrument.symbol,
        row.instrument_id,
        row.kind,
        row.version,
        row.row_count,
        row.chunk_count,
        row.derived,
        row.ledger,
    )


def spans(day: StoredTicks) -> Spans:
    with column_cursor() as cursor:
        cursor.execute(
            f"SELECT first_at, last_at, row_count FROM {_table(day.kind)} WHERE day_id = %s ORDER BY number",  # noqa: S608
            [day.id],
        )
        ends = np.array(cursor.fetchall(), np.int64).reshape(-1, 3)
    return Spans(ends[:, 0], ends[:, 1], np.cumsum(ends[:, 2]) - ends[:, 2])


def stamps(day: StoredTicks) -> Iterator[Ints]:
    """The day's `at`, a chunk at a time."""
    for number in range(day.chunk_count):
        with column_cursor() as cursor:
            cursor.execute(
                f"SELECT at FROM {_table(day.kind)} WHERE day_id = %s AND number = %s",  # noqa: S608
                [day.id, number],
            )
            yield cursor.fetchone()[0]


def load_chunk(day: StoredTicks, number: int) -> TickColumns:
    (chunk,) = _chunks(day, "number = %s", [number])
    return chunk


def load_ticks(day: StoredTicks) -> TickColumns:
    """The whole day; for imports and doors of moderate days, not for playing one."""
    return join(day.kind, list(_chunks(day, "true", [])))


def row_range(day: StoredTicks, first: int, last: int) -> tuple[int, int]:
    """Places within the day of the events with first ≤ at < last (nanoseconds from the open), the end excluded."""
    ends = spans(day)
    return _place(day, ends, first), _place(day, ends, last)


def _place(day: StoredTicks, ends: Spans, at: int) -> int:
    """How many of the day's events are before a stamp."""
    number = int(np.searchsorted(ends.last, at, "left"))
    if number == len(ends):
        return day.row_count
    if ends.first[number] >= at:
        return int(ends.before[number])
    return int(ends.before[number]) + int(np.searchsorted(load_chunk(day, number).at, at, "left"))


def load_rows(day: StoredTicks, first: int, last: int) -> TickColumns:
    """Events by their place within the day, `last` excluded."""
    if last <= first:
        return empty(day.kind)
    low, high = first // CHUNK_ROWS, (last - 1) // CHUNK_ROWS
    rows = join(day.kind, list(_chunks(day, "number BETWEEN %s AND %s", [low, high])))
    return rows.take(slice(first - low * CHUNK_ROWS, last - low * CHUNK_ROWS))


def load_between(day: StoredTicks, first: int, last: int, limit: int | None = None) -> TickColumns:
    """Events with first ≤ at < last (nanoseconds from the open); of more than `limit`, the latest so many."""
    parts: list[TickColumns] = []
    held = 0
    ends = spans(day)
    for number in reversed(np.flatnonzero((ends.last >= first) & (ends.first < last)).tolist()):
        chunk = load_chunk(day, number)
        low, high = np.searchsorted(chunk.at, [first, last])
        parts.insert(0, chunk.take(slice(int(low), int(high))))
        held += int(high - low)
        if limit is not None and held >= limit:
            break
    rows = join(day.kind, parts) if parts else empty(day.kind)
    return rows if limit is None else rows.take(slice(max(0, len(rows) - limit), None))


def _chunks(day: StoredTicks, where: str, params: Sequence[Any]) -> Iterator[TickColumns]:
    names = (*VALUES[day.kind], *CODES[day.kind])
    columns = ", ".join(("words", "at", "flags", *names))
    with column_cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM {_table(day.kind)} WHERE day_id = %s AND {where} ORDER BY number",  # noqa: S608
            [day.id, *params],
        )
        for row in cursor:
            yield _columns(day.kind, row)


def _columns(kind: str, row: Sequence[Any]) -> TickColumns:
    words, at, flags, *rest = row
    split = len(VALUES[kind])
    codes: NDArray[np.int32] = np.stack(rest[split:]).astype(np.int32)
    return TickColumns(kind, at, np.stack(rest[:split]), codes, flags.astype(np.uint8), tuple(words))


def _table(kind: str) -> str:
    return TABLES[TickKind(kind)]


def dates_with_ticks(dataset_id: int, kind: str, symbols: Sequence[str]) -> list[dt.date]:
    """Dates, ascending, on which all the symbols have a current regular day of the kind."""
    days = TickDay.objects.current().regular().filter(dataset_id=dataset_id, kind=kind)
    found = days.filter(instrument__symbol__in=symbols).values_list("date", "instrument__symbol").distinct()
    count: dict[dt.date, int] = {}
    for date, _ in found:
        count[date] = count.get(date, 0) + 1
    return sorted(date for date, n in count.items() if n == len(set(symbols)))


def dataset_named(name: str) -> Dataset:
    """The dataset of that name, made as a raw one where there is none."""
    return Dataset.objects.get_or_create(name=name, defaults={"source": name, "feed": "", "price_mode": "raw"})[0]
