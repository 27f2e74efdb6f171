"""Days of trades and quotes out of Postgres, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from marketdata.columns import Ints, TickColumns, join_ticks, no_ticks, unpacked
from marketdata.columns.block import HEAD, unpack
from marketdata.models import CHUNK_ROWS
from marketdata.store.database import binary_cursor
from marketdata.store.stored_days import StoredDay

TIMES = "SELECT substring(cells for %s), row_count FROM marketdata_daychunk WHERE day_id = %s AND number = %s"
TIMES_BYTES = HEAD.size * 16 + 8 * CHUNK_ROWS
"""Enough for the heads and the first column, which is the time."""


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Where a day's chunks are: nanoseconds from the open, both ends included; one row a chunk, in order.

    `before`: the day's events before each chunk.
    """

    first: Ints
    last: Ints
    before: Ints

    def __len__(self) -> int:
        return len(self.first)


def spans(day: StoredDay) -> Spans:
    with binary_cursor() as cursor:
        cursor.execute(
            "SELECT first_at, last_at, row_count FROM marketdata_daychunk WHERE day_id = %s ORDER BY number", [day.id]
        )
        ends = np.array(cursor.fetchall(), np.int64).reshape(-1, 3)
    return Spans(ends[:, 0], ends[:, 1], np.cumsum(ends[:, 2]) - ends[:, 2])


def stamps(day: StoredDay) -> Iterator[Ints]:
    """The day's `at`, a chunk at a time."""
    with binary_cursor() as cursor:
        for number in range(day.chunk_count):
            cursor.execute(TIMES, [TIMES_BYTES, day.id, number])
            ((cells, count),) = cursor.fetchall()
            yield unpack(cells, count, [(True, 0)])[0]


def load_chunk(day: StoredDay, number: int) -> TickColumns:
    (chunk,) = _chunks(day, "number = %s", [number])
    return chunk


def load_ticks(day: StoredDay) -> TickColumns:
    """The whole day; for imports and answers of moderate days, not for playing one."""
    return join_ticks(day.kind, list(_chunks(day, "true", [])))


def row_range(day: StoredDay, first: int, last: int) -> tuple[int, int]:
    """Places within the day of the events with first ≤ at < last (nanoseconds from the open), the end excluded."""
    ends = spans(day)
    return _place(day, ends, first), _place(day, ends, last)


def _place(day: StoredDay, ends: Spans, at: int) -> int:
    """How many of the day's events are before a stamp."""
    number = int(np.searchsorted(ends.last, at, "left"))
    if number == len(ends):
        return day.row_count
    if ends.first[number] >= at:
        return int(ends.before[number])
    return int(ends.before[number]) + int(np.searchsorted(load_chunk(day, number).at, at, "left"))


def load_range(day: StoredDay, first: int, last: int) -> TickColumns:
    """Events by their place within the day, `last` excluded."""
    if last <= first:
        return no_ticks(day.kind)
    low, high = first // CHUNK_ROWS, (last - 1) // CHUNK_ROWS
    rows = join_ticks(day.kind, list(_chunks(day, "number BETWEEN %s AND %s", [low, high])))
    return rows.take(slice(first - low * CHUNK_ROWS, last - low * CHUNK_ROWS))


def load_between(day: StoredDay, first: int, last: int, limit: int | None = None) -> TickColumns:
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
    rows = join_ticks(day.kind, parts) if parts else no_ticks(day.kind)
    return rows if limit is None else rows.take(slice(max(0, len(rows) - limit), None))


def _chunks(day: StoredDay, where: str, params: Sequence[Any]) -> Iterator[TickColumns]:
    with binary_cursor() as cursor:
        cursor.execute(
            f"SELECT cells, row_count, words FROM marketdata_daychunk WHERE day_id = %s AND {where} ORDER BY number",  # noqa: S608
            [day.id, *params],
        )
        for row in cursor:
            yield _rows(day.kind, *row)


def _rows(kind: str, cells: bytes, count: int, words: Sequence[str]) -> TickColumns:
    rows = unpacked(kind, cells, count, words)
    assert isinstance(rows, TickColumns)
    return rows
