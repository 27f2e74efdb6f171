"""What the store knows of each instrument's day, without loading its bars."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from marketdata.exchange_calendar import NEW_YORK_STOCKS, calendar_of
from marketdata.ledger import initial_ledger
from marketdata.models import Dataset
from marketdata.store import binary_cursor
from marketdata.trading_day import TradingDay

REGULAR = """
SELECT i.symbol, d.date, i.calendar, d.row_count, d.ledger, d.summary
  FROM marketdata_dayversion d JOIN marketdata_instrument i ON i.id = d.instrument_id
 WHERE d.dataset_id = %(dataset)s AND d.current AND d.kind = 'bars' AND d.interval = '1m' AND d.scope = 'regular'
"""
EXTENDED = """
SELECT i.symbol, d.date, i.calendar, d.row_count, d.summary
  FROM marketdata_dayversion d JOIN marketdata_instrument i ON i.id = d.instrument_id
 WHERE d.dataset_id = %(dataset)s AND d.current AND d.kind = 'bars' AND d.interval = '1m' AND d.scope = 'extended'
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
    exchange: str = NEW_YORK_STOCKS

    @property
    def session(self) -> TradingDay:
        return calendar_of(self.exchange).trading_day(self.date)


@dataclass(frozen=True, slots=True)
class Question:
    """Empty `symbols` are all; dates are included."""

    symbols: Sequence[str] = ()
    start: dt.date = dt.date.min
    end: dt.date = dt.date.max

    def params(self, dataset: Dataset) -> dict[str, Any]:
        """The parameters of the queries that are narrowed to it."""
        symbols = list(self.symbols) or None
        return {"dataset": dataset.pk, "symbols": symbols, "start": self.start, "end": self.end}


def day_facts(dataset: Dataset, question: Question) -> list[DayFacts]:
    """By date and symbol. A day of which only bars outside the session are stored has a ledger of absent minutes."""
    params = question.params(dataset)
    regular, extended = _rows(REGULAR, params), _rows(EXTENDED, params)
    found = {(date, symbol): _regular(symbol, date, *rest) for symbol, date, *rest in regular}
    for symbol, date, exchange, bars, summary in extended:
        session = calendar_of(exchange).trading_day(date)
        day = found.get((date, symbol)) or DayFacts(symbol, date, _no_minutes(session), exchange=exchange)
        late = summary.get("late", 0) if session.closes_early else 0
        swing = _swing(day.last_close, summary["late_low"], summary["late_high"]) if late else 0.0
        found[date, symbol] = replace(day, outside=bars, late=late, late_swing=swing)
    return [found[key] for key in sorted(found)]


def _no_minutes(session: TradingDay) -> str:
    return initial_ledger(np.empty(0, np.int64), session.minutes, session.midday)


def _rows(query: str, params: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with binary_cursor() as cursor:
        cursor.execute(query + NARROWED, params)
        return list(cursor.fetchall())


def _regular(symbol: str, date: dt.date, exchange: str, bars: int, ledger: str, summary: Mapping[str, Any]) -> DayFacts:
    names = ("null_volume", "zero_volume", "first_open", "last_close")
    said = {name: summary[name] for name in names if name in summary}
    return DayFacts(symbol, date, ledger, bars, exchange=exchange, **said)


def _swing(close: float | None, low: float, high: float) -> float:
    return max(abs(low - close), abs(high - close)) / close if close else 0.0
