"""How far each symbol of a running session has come, as its stream's row shows it."""

import numpy as np
from django.db import connection

from streaming.tape import Tape

UPDATE = """
UPDATE replay_activestream a SET expected = %s, present = p.present, last_price = p.price
  FROM unnest(%s::text[], %s::int[], %s::float8[]) AS p(symbol, present, price)
  JOIN marketdata_instrument i USING (symbol)
 WHERE a.session_id = %s AND a.instrument_id = i.id AND a.stream_type = 'bars'
   AND EXISTS (SELECT FROM replay_session s WHERE s.id = a.session_id AND s.epoch = %s)
"""


def progress(tape: Tape, k: int) -> dict[str, tuple[int, float | None]]:
    """Symbol → bars known before frame k of the day, and the last of their closes."""
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
    rows = progress(tape, k)
    present, prices = [row[0] for row in rows.values()], [row[1] for row in rows.values()]
    with connection.cursor() as cursor:
        cursor.execute(UPDATE, [tape.minutes_before(k), list(rows), present, prices, session_id, epoch])
