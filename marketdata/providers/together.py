"""One question about many symbols, to the providers that take such."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeVar, runtime_checkable

from marketdata.calendar import TradingDay
from marketdata.errors import ProviderFailed, UnknownSymbol
from marketdata.providers.asking import ask
from marketdata.providers.base import NoDataExists, Provider, Rows

Answered = Rows | NoDataExists | ProviderFailed | UnknownSymbol
Ahead = Mapping[str, Answered]
"""Symbol → what was answered. One that is absent had no row in the answer, and is to be asked for alone, to be sure."""
T = TypeVar("T")


@runtime_checkable
class ManyAtOnce(Protocol):
    """What a provider may have beside `fetch_bars`."""

    symbols_per_question: int

    def fetch_many(self, symbols: Sequence[str], start: dt.datetime, end: dt.datetime) -> Ahead:
        """Minute bars with start ≤ stamp < end. Raises ProviderFailed or UnknownSymbol of the whole question."""
        ...


def symbols_at_once(provider: Provider, days: int = 1) -> int:
    """Symbols that one question about so many days may name: its answer grows with both."""
    return max(1, provider.symbols_per_question // days) if isinstance(provider, ManyAtOnce) else 1


def questions(provider: Provider, wanted: Sequence[T]) -> Iterator[Sequence[T]]:
    """The wanted in groups that one question about one day may be about."""
    size = symbols_at_once(provider)
    for first in range(0, len(wanted), size):
        yield wanted[first : first + size]


def ask_together(provider: Provider, symbols: Sequence[str], days: Sequence[TradingDay]) -> Ahead:
    """Consecutive days' bars of all the symbols.

    A failed question is every symbol's failure; halves find an unknown one.
    """
    if len(symbols) < 2 or not isinstance(provider, ManyAtOnce):
        return {}
    try:
        return ask(provider, provider.fetch_many, symbols, days[0].open, days[-1].close)
    except UnknownSymbol:
        half = len(symbols) // 2
        return {**ask_together(provider, symbols[:half], days), **ask_together(provider, symbols[half:], days)}
    except ProviderFailed as error:
        return dict.fromkeys(symbols, error)
