"""Days of trades and quotes that the store lacks, from the providers that have them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np

from marketdata.calendar import TradingDay, calendar_of
from marketdata.columns import TickColumns
from marketdata.errors import NoData, ProviderFailed
from marketdata.kinds import DayKind
from marketdata.models import Dataset
from marketdata.providers.asking import ask
from marketdata.providers.base import BadRow, NoDataExists, get_provider
from marketdata.providers.fetching import not_served, quarantine
from marketdata.rules import broken_rows
from marketdata.store import NewDay, ensure_instruments, exchange_of, find_days, write_days
from marketdata.units import MINUTE_NS, SECOND_NS


@dataclass(frozen=True, slots=True, eq=False)
class TickRows:
    """A source's events without the rows that broke a rule; those are `bad`, and go to quarantine."""

    rows: TickColumns
    bad: Sequence[BadRow]


TicksAnswer = TickColumns | TickRows | NoDataExists
"""Events in time order; `at` in UTC nanoseconds since the epoch."""


@runtime_checkable
class TickProvider(Protocol):
    """A provider that has trades and quotes too. Failures raise ProviderFailed, unknown symbols UnknownSymbol."""

    name: str

    def fetch_trades(self, symbol: str, start: dt.datetime, end: dt.datetime) -> TicksAnswer:
        """Trades with start ≤ stamp < end."""
        ...

    def fetch_quotes(self, symbol: str, start: dt.datetime, end: dt.datetime) -> TicksAnswer:
        """Quotes with start ≤ stamp < end."""
        ...


def ensure_ticks(dataset: Dataset, provider_name: str, kind: str, symbol: str, date: dt.date) -> None:
    """See that the store has the symbol's trades or quotes of the day. Raises NoData, UnknownSymbol, ProviderFailed."""
    if find_days(dataset.pk, kind, date, [symbol]):
        return
    rows = _ask(dataset, provider_name, kind, symbol, calendar_of(exchange_of([symbol])).trading_day(date))
    instrument = ensure_instruments([symbol])[symbol]
    write_days(dataset.pk, [NewDay(instrument, date, rows, origin=f"provider {provider_name}")])


def _ask(dataset: Dataset, provider_name: str, kind: str, symbol: str, day: TradingDay) -> TickColumns:
    provider, what = get_provider(provider_name), DayKind(kind).label
    if not isinstance(provider, TickProvider):
        raise NoData(f"{provider_name} gives no {what}: import them, or leave them out.")
    if refused := not_served(provider, [symbol]):
        raise refused
    fetch = provider.fetch_trades if kind == DayKind.TRADES else provider.fetch_quotes
    answer = ask(provider, fetch, symbol, day.open, day.close)
    if isinstance(answer, TickRows):
        quarantine(dataset, symbol, answer.bad)
        answer = answer.rows
    if isinstance(answer, NoDataExists) or not len(answer):
        reason = answer.reason if isinstance(answer, NoDataExists) else "its answer is empty"
        raise NoData(f"{provider_name} has no {what} of {symbol} on {day.date}: {reason}")
    rows = replace(answer, at=answer.at - round(day.open.timestamp()) * SECOND_NS)
    if fault := _first_fault(rows, day):
        raise ProviderFailed(f"{provider_name} sent broken {what} of {symbol} on {day.date}: {fault}")
    return rows


def _first_fault(rows: TickColumns, day: TradingDay) -> str:
    if broken := broken_rows(rows):
        row, reason = broken[0]
        return f"row {row + 1}: {reason}"
    if rows.at[0] < 0 or rows.at[-1] >= day.minutes * MINUTE_NS:
        return f"a stamp is outside the session ({day.open:%H:%M} to {day.close:%H:%M} UTC)"
    return "a stamp is before the one before it" if (np.diff(rows.at) < 0).any() else ""
