"""What the store knows of each instrument's day, without loading its bars."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from marketdata.calendar import trading_day
from marketdata.models import Dataset

REGULAR = """
SELECT i.symbol, d.date, d.bar_count, d.ledger,
       CASE WHEN d.volume IS NULL THEN d.bar_count ELSE cardinality(array_positions(d.volume, NULL::bigint)) END,
       CASE WHEN d.volume IS NULL THEN 0 ELSE cardinality(array_positions(d.volume, 0::bigint)) END,
       d.open[1], d.close[d.bar_count]
  FROM marketdata_barday d JOIN marketdata_instrument i ON i.id = d.instrument_id
 WHERE d.dataset_id = %(dataset)s AND d.current AND d.interval = '1m' AND d.scope = 'regular'
"""
EXTENDED = """
SELECT i.symbol, d.date, d.bar_count, coalesce(late.bars, 0), late.low, late.high
  FROM marketdata_barday d JOIN marketdata_instrument i ON i.id = d.instrument_id
  LEFT JOIN LATERAL (
       SELECT count(*) AS bars, min(b.low) AS low, max(b.high) AS high
         FROM unnest(d."offset", d.low, d.high) AS b(at, low, high)
        WHERE b.at >= extract(epoch FROM d.close_at - d.open_at)
       ) late ON d.close_at - d.open_at < interval '390 minutes'
 WHERE d.dataset_id = %(dataset)s AND d.current AND d.interval = '1m' AND d.scope = 'extended'
"""
NARROWED_TO = """
   AND (%(symbols)s::text[] IS NULL OR i.symbol = ANY(%(symbols)s::text[]))
   AND d.date BETWEEN %(start)s AND %(end)s
"""
NARROWED = f"{NARROWED_TO} ORDER BY d.date, i.symbol"


@dataclass(frozen=True, slots=True)
class DayFacts:
    """`late`: bars after an early close; `late_swing`: their farthest price from that close, as a share of it."""

    symbol: str
    date: dt.date
    ledger: str
    bars: int = 0
    null_volume: int = 0
    zero_volume: int = 0
    first_open: float | None = None
    last_close: float | None = None
    outside: int = 0
    late: int = 0
    late_swing: float = 0.0


@dataclass(frozen=True, slots=True)
class Question:
    """Empty `symbols` are all; dates are included."""

    symbols: Sequence[str] = ()
    start: dt.date = dt.date.min
    end: dt.date = dt.date.max

    def params(self, dataset: Dataset) -> dict[str, Any]:
        """Of the queries that are narrowed to it."""
        symbols = list(self.symbols) or None
        return {"dataset": dataset.pk, "symbols": symbols, "start": self.start, "end": self.end}


def day_facts(dataset: Dataset, question: Question) -> list[DayFacts]:
    """By date and symbol. A day of which only bars outside the session are stored has a ledger of absent minutes."""
    params = question.params(dataset)
    with connection.cursor() as cursor:
        cursor.execute(REGULAR + NARROWED, params)
        regular = cursor.fetchall()
        cursor.execute(EXTENDED + NARROWED, params)
        extended = cursor.fetchall()
    found = {(row[1], row[0]): _regular(*row) for row in regular}
    for symbol, date, bars, late, low, high in extended:
        day = found.get((date, symbol)) or DayFacts(symbol, date, "A" * trading_day(date).minutes)
        swing = _swing(day.last_close, low, high) if late else 0.0
        found[date, symbol] = replace(day, outside=bars, late=late, late_swing=swing)
    return [found[key] for key in sorted(found)]


def _regular(symbol: str, date: dt.date, bars: int, ledger: str, *rest: Any) -> DayFacts:
    return DayFacts(symbol, date, ledger, bars, *rest)


def _swing(close: float | None, low: float, high: float) -> float:
    return max(abs(low - close), abs(high - close)) / close if close else 0.0
