"""Days into Postgres. A write compares by content hash: the same is left alone, another becomes a new version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from psycopg.types.json import Jsonb

from marketdata.columns import BarColumns, Rows, TickColumns, packed
from marketdata.exchange_calendar import calendar_of
from marketdata.kinds import KINDS
from marketdata.models import CHUNK_ROWS, Instrument
from marketdata.store.database import writing
from marketdata.store.stored_days import Key, NewDay, WriteReport, Written

COPY_DAYS = """
COPY marketdata_dayversion (id, dataset_id, instrument_id, kind, interval, date, scope, derived, version, current,
  open_at, close_at, row_count, summary, ledger, content_hash, known_at, origin) FROM STDIN (FORMAT BINARY)
"""
DAY_TYPES = [
    *("int8", "int8", "int8", "varchar", "varchar", "date", "varchar", "bool", "int4", "bool"),
    *("timestamptz", "timestamptz", "int4", "jsonb", "text", "varchar", "timestamptz", "varchar"),
]
COPY_CHUNKS = """
COPY marketdata_daychunk (day_id, number, row_count, first_at, last_at, words, cells) FROM STDIN (FORMAT BINARY)
"""
CHUNK_TYPES = ["int8", "int4", "int4", "int8", "int8", "text[]", "bytea"]
HELD = """
SELECT d.instrument_id, d.kind, d.interval, d.date, d.scope, d.derived, max(d.version),
       max(d.id) FILTER (WHERE d.current), max(d.content_hash) FILTER (WHERE d.current)
  FROM marketdata_dayversion d
  JOIN unnest(%s::bigint[], %s::text[], %s::text[], %s::date[], %s::text[], %s::bool[])
       AS w(instrument_id, kind, interval, date, scope, derived)
    ON (d.instrument_id, d.kind, d.interval, d.date, d.scope, d.derived)
     = (w.instrument_id, w.kind, w.interval, w.date, w.scope, w.derived)
 WHERE d.dataset_id = %s
 GROUP BY d.instrument_id, d.kind, d.interval, d.date, d.scope, d.derived
"""
NUMBERS = "SELECT nextval(pg_get_serial_sequence('marketdata_dayversion', 'id')) FROM generate_series(1, %s)"
RETIRE = "UPDATE marketdata_dayversion SET current = false WHERE id = ANY(%s)"

HeldVersions = Mapping[Key, tuple[int, int | None, str | None]]
"""The last version's number, and the current one's row and content hash."""


def write_days(dataset_id: int, days: Sequence[NewDay]) -> WriteReport:
    """Write days in one transaction. The same content is left alone; other content becomes the current version."""
    report = WriteReport()
    if not days:
        return report
    with writing(dataset_id) as cursor:
        held = held_versions(cursor, dataset_id, days)
        fresh = [(day, content) for day in days if (content := _other_content(day, held, report))]
        superseded = {day.key: held[day.key][1] for day, _ in fresh if day.key in held}
        cursor.execute(RETIRE, [[row for row in superseded.values() if row is not None]])
        cursor.execute(NUMBERS, [len(fresh)])
        exchanges = _exchanges(fresh)
        numbered = [(row[0], *day) for row, day in zip(cursor.fetchall(), fresh, strict=True)]
        report.versions = {day.key: Written(pk, superseded.get(day.key)) for pk, day, _ in numbered}
        with cursor.copy(COPY_DAYS) as copy:
            copy.set_types(DAY_TYPES)
            for pk, day, content in numbered:
                version = held[day.key][0] + 1 if day.key in held else 1
                copy.write_row((pk, dataset_id, *_day_row(day, version, content, exchanges[day.instrument_id])))
        with cursor.copy(COPY_CHUNKS) as copy:
            copy.set_types(CHUNK_TYPES)
            for pk, day, _ in numbered:
                for number, chunk in enumerate(_chunks(day.rows)):
                    copy.write_row((pk, number, *chunk))
    return report


def _exchanges(days: Sequence[tuple[NewDay, str]]) -> dict[int, str]:
    """Instrument → its calendar."""
    rows = Instrument.objects.filter(pk__in={day.instrument_id for day, _ in days})
    return dict(rows.values_list("pk", "calendar"))


def held_versions(cursor: Any, dataset_id: int, days: Sequence[NewDay]) -> HeldVersions:
    keys = [list(part) for part in zip(*(day.key for day in days), strict=True)]
    cursor.execute(HELD, [*keys, dataset_id])
    return {tuple(row[:6]): row[6:] for row in cursor.fetchall()}


def _other_content(day: NewDay, held: HeldVersions, report: WriteReport) -> str:
    """The content's hash; empty where the store has the same."""
    content = day.rows.content_hash()
    _, row, current = held.get(day.key, (0, None, None))
    if current == content:
        report.unchanged += len(day.rows)
        return ""
    if row is None:
        report.inserted += len(day.rows)
    else:
        report.revised += len(day.rows)
    return content


def _day_row(day: NewDay, version: int, content: str, exchange: str) -> tuple[Any, ...]:
    session = calendar_of(exchange).trading_day(day.date)
    minutes = session.minutes * 60
    summary = summary_of(day.rows, minutes) if isinstance(day.rows, BarColumns) else {}
    return (
        *(*day.key, version, True, session.open, session.close, len(day.rows), Jsonb(summary)),
        *(day.first_ledger(session), content, day.known_at, day.origin[:255]),
    )


def summary_of(bars: BarColumns, session_seconds: int) -> dict[str, Any]:
    """What coverage shows of a day of bars; `late`: those after the close, and their lowest and highest price."""
    if not len(bars):
        return {}
    late = bars.offset >= session_seconds
    found = {
        "null_volume": int(np.isnan(bars.volume).sum()),
        "zero_volume": int((bars.volume == 0).sum()),
        "first_open": float(bars.open[0]),
        "last_close": float(bars.close[-1]),
    }
    if late.any():
        found |= {
            "late": int(late.sum()),
            "late_low": float(bars.low[late].min()),
            "late_high": float(bars.high[late].max()),
        }
    return found


def _chunks(rows: Rows) -> Iterator[tuple[Any, ...]]:
    unit = KINDS[rows.kind].time_unit_ns
    for low in range(0, len(rows), CHUNK_ROWS):
        part: Rows = rows if len(rows) <= CHUNK_ROWS else rows.take(slice(low, low + CHUNK_ROWS))
        words = None
        if isinstance(part, TickColumns):
            part = part.compact()
            words = list(part.words)
        time = part.at if isinstance(part, TickColumns) else part.offset
        yield len(part), int(time[0]) * unit, int(time[-1]) * unit, words, packed(part)
