"""How far each stream of a running session has come, as its row shows it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from django.db import connection

from marketdata.ticks.columns import TickKind
from sessions.models import StreamType
from streaming.tape import Tape

UPDATE = """
UPDATE replay_activestream a SET expected = %s, present = p.present, last_price = COALESCE(p.price, a.last_price)
  FROM unnest(%s::text[], %s::text[], %s::int[], %s::float8[]) AS p(symbol, stream_type, present, price)
  JOIN marketdata_instrument i USING (symbol)
 WHERE a.session_id = %s AND a.instrument_id = i.id AND a.stream_type = p.stream_type
   AND EXISTS (SELECT FROM replay_session s WHERE s.id = a.session_id AND s.epoch = %s)
"""


@dataclass(slots=True)
class Rows:
    """Columns of the update, one row a stream."""

    symbols: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    present: list[int] = field(default_factory=list)
    prices: list[float | None] = field(default_factory=list)

    def add(self, symbol: str, stream_type: str, present: int, price: float | None) -> None:
        self.symbols.append(symbol)
        self.types.append(stream_type)
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
    rows = Rows()
    for symbol, (present, price) in progress(tape, k).items():
        rows.add(symbol, StreamType.BARS, present, price)
    for reel in tape.schedule.reels:
        count, last = reel.told(int(tape.steps[k - 1])) if k else (0, None)
        traded = last is not None and len(last) and reel.kind == TickKind.TRADES
        rows.add(reel.symbol, reel.kind, count, float(last.value("price")[0]) if last and traded else None)
    with connection.cursor() as cursor:
        cursor.execute(
            UPDATE,
            [tape.minutes_before(k), rows.symbols, rows.types, rows.present, rows.prices, session_id, epoch],
        )
