"""How far each stream of a running session has come, as its row shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from django.db import connection

from marketdata.kinds import DayKind
from sessions.models import StreamType
from streaming.engine.tape.merge import Tape

STREAMS = """
SELECT i.symbol, a.stream_type, a.id FROM replay_activestream a JOIN marketdata_instrument i ON i.id = a.instrument_id
 WHERE a.session_id = %s
"""
NOTHING_YET = """
UPDATE replay_activestream SET present = 0, quality = NULL, last_price = NULL
 WHERE session_id = %s AND (SELECT epoch FROM replay_run WHERE session_id = %s) = %s
"""
# By row number alone: a join on symbol and type makes the planner go through all pairs of the session's streams.
UPDATE = """
UPDATE replay_activestream a SET expected = %s, present = p.present, last_price = COALESCE(p.price, a.last_price)
  FROM unnest(%s::bigint[], %s::int[], %s::float8[]) AS p(id, present, price)
 WHERE a.id = p.id AND (SELECT epoch FROM replay_run WHERE session_id = %s) = %s
"""


@dataclass(slots=True)
class Rows:
    """Columns of the update, one row a stream."""

    ids: dict[tuple[str, str], int]
    there: list[int] = field(default_factory=list)
    present: list[int] = field(default_factory=list)
    prices: list[float | None] = field(default_factory=list)

    def add(self, symbol: str, stream_type: str, present: int, price: float | None) -> None:
        row = self.ids.get((symbol, stream_type))
        if row is not None:
            self.there.append(row)
            self.present.append(present)
            self.prices.append(price)


def progress(tape: Tape, k: int) -> dict[str, tuple[int, float | None]]:
    """Symbol → bars of the regular session known before frame k of the day, and the last close of all."""
    if not tape.layers:
        return {}
    layer = tape.layers[0]
    rows = tape.rows_before(k)
    symbols = layer.symbol[:rows]
    start = layer.start[:rows]
    regular = (start >= 0) & (start < tape.day.minutes * 60)
    counts = np.bincount(symbols[regular], minlength=len(tape.symbols))
    last = np.full(len(tape.symbols), -1)
    last[symbols] = np.arange(rows)
    closes = layer.values[3]
    return {
        symbol: (int(counts[i]), float(closes[last[i]]) if last[i] >= 0 else None)
        for i, symbol in enumerate(tape.symbols)
    }


def write_progress(session_id: int, epoch: int, tape: Tape, k: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(STREAMS, [session_id])
        rows = Rows({(symbol, stream_type): row for symbol, stream_type, row in cursor.fetchall()})
    for symbol, (present, price) in progress(tape, k).items():
        rows.add(symbol, StreamType.BARS, present, price)
    for (symbol, stream_type), (present, price) in _tick_progress(tape, k).items():
        rows.add(symbol, stream_type, present, price)
    with connection.cursor() as cursor:
        cursor.execute(UPDATE, [tape.minutes_before(k), rows.there, rows.present, rows.prices, session_id, epoch])


def write_progress_anew(session_id: int, epoch: int, tape: Tape, k: int) -> None:
    """Likewise after a move of the clock: nothing stays of where it was, for that may be later."""
    with connection.cursor() as cursor:
        cursor.execute(NOTHING_YET, [session_id, session_id, epoch])
    write_progress(session_id, epoch, tape, k)


def _tick_progress(tape: Tape, k: int) -> dict[tuple[str, str], tuple[int, float | None]]:
    """Symbol and type → events before frame k of the day, extended hours' too, and the last trade's price."""
    found: dict[tuple[str, str], tuple[int, float | None]] = {}
    last_at: dict[tuple[str, str], int] = {}
    for cursor in tape.schedule.chunk_cursors:
        key = cursor.symbol, cursor.kind
        total, price = found.get(key, (0, None))
        count, last = cursor.count_until(int(tape.steps[k - 1])) if k else (0, None)
        if last and len(last) and cursor.kind == DayKind.TRADES and last.at[0] >= last_at.get(key, last.at[0]):
            price, last_at[key] = float(last.value("price")[0]), int(last.at[0])
        found[key] = total + count, price
    return found
