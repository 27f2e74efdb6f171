"""How far each stream of a running session has come, as its row shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from django.db import connection

from marketdata.ticks.columns import TickKind
from sessions.models import StreamType
from streaming.engine.tape import Tape

STREAMS = """
SELECT i.symbol, a.stream_type, a.id FROM replay_activestream a JOIN marketdata_instrument i ON i.id = a.instrument_id
 WHERE a.session_id = %s
"""
# By row number alone: a join on symbol and type makes the planner go through all pairs of the session's streams.
UPDATE = """
UPDATE replay_activestream a SET expected = %s, present = p.present, last_price = COALESCE(p.price, a.last_price)
  FROM unnest(%s::bigint[], %s::int[], %s::float8[]) AS p(id, present, price)
 WHERE a.id = p.id AND (SELECT epoch FROM replay_session WHERE id = %s) = %s
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
    """Symbol → bars known before frame k of the day, and the last of their closes."""
    if not tape.layers:
        return {}
    layer = tape.layers[0]
    rows = int(layer.first[tape.minutes_before(k) + 1])
    symbols = layer.symbol[:rows]
    counts = np.bincount(symbols, minlength=len(tape.symbols))
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
    for reel in tape.schedule.reels:
        count, last = reel.told(int(tape.steps[k - 1])) if k else (0, None)
        traded = last is not None and len(last) and reel.kind == TickKind.TRADES
        rows.add(reel.symbol, reel.kind, count, float(last.value("price")[0]) if last and traded else None)
    with connection.cursor() as cursor:
        cursor.execute(UPDATE, [tape.minutes_before(k), rows.there, rows.present, rows.prices, session_id, epoch])
