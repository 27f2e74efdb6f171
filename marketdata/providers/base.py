"""Providers: where missing days come from. One small protocol, configured like Django's own backends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Protocol

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils.module_loading import import_string

from marketdata import store
from marketdata.calendar import TradingDay, trading_day
from marketdata.columns import BarColumns, Ints
from marketdata.errors import MarketDataError, NoData, ProviderFailed
from marketdata.models import Dataset, FetchAttempt
from marketdata.rules import broken_rows
from marketdata.store import NewDay

FETCH_LOCK = 0x7AFD


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """The dataset that a provider's answers belong to."""

    name: str
    source: str
    feed: str = ""
    price_mode: str = "raw"
    synthetic: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Bars, in time order. `stamps`: their starts, UTC seconds since the epoch; offsets in `bars` are not read."""

    stamps: Ints
    bars: BarColumns


@dataclass(frozen=True, slots=True)
class NoDataExists:
    """The provider answered that there is nothing."""

    reason: str


BarsAnswer = Rows | NoDataExists
Label = Literal["start", "end"]


class Provider(Protocol):
    """What a provider is. Failures raise ProviderFailed, unknown symbols UnknownSymbol."""

    name: str
    dataset: DatasetSpec
    label: Label
    """Which end of a bar its source stamps. `Rows` carries starts, whatever the source does."""
    authoritative: bool
    """Whether a minute absent from its answer is proof that nothing traded."""

    def fetch_bars(self, symbol: str, start: dt.datetime, end: dt.datetime, interval: str = "1m") -> BarsAnswer:
        """Bars with start ≤ stamp < end."""
        ...


@cache
def get_provider(name: str) -> Provider:
    """The configured provider of that name."""
    known: dict[str, dict[str, Any]] = settings.MARKETDATA_PROVIDERS
    if name not in known:
        raise MarketDataError(f"There is no provider {name!r}: MARKETDATA_PROVIDERS has {', '.join(sorted(known))}.")
    backend = import_string(known[name]["BACKEND"])
    provider: Provider = backend(name, **known[name].get("OPTIONS", {}))
    return provider


def provider_dataset(provider: Provider) -> Dataset:
    spec = provider.dataset
    dataset, _ = Dataset.objects.get_or_create(
        source=spec.source,
        feed=spec.feed,
        price_mode=spec.price_mode,
        defaults={"name": spec.name, "synthetic": spec.synthetic, "provider": provider.name},
    )
    return dataset


def ensure_day(dataset: Dataset, provider_name: str, symbol: str, date: dt.date) -> None:
    """See that the store has the symbol's day, asking the provider if it has not; callers at once ask once.

    Raises NoData, UnknownSymbol or ProviderFailed; what was asked and answered is kept as a FetchAttempt.
    """
    if symbol in store.have(dataset.pk, date, [symbol]):
        return
    provider, day = get_provider(provider_name), trading_day(date)
    with _one_at_a_time(dataset, symbol, date):
        if symbol in store.have(dataset.pk, date, [symbol]):
            return  # fetched by the caller that this one has waited for
        problem = _fetch(dataset, provider, symbol, day)
    if problem is not None:
        raise problem


@contextmanager
def _one_at_a_time(dataset: Dataset, symbol: str, date: dt.date) -> Iterator[None]:
    """Whoever waits here sees, once let in, what the one before has written."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [FETCH_LOCK, f"{dataset.pk} {symbol} {date}"])
        yield


def _fetch(dataset: Dataset, provider: Provider, symbol: str, day: TradingDay) -> NoData | ProviderFailed | None:
    """Ask, store, and note what came of it. Returns what went wrong: raised, it would take the note back."""
    try:
        bars = _ask(provider, symbol, day)
    except NoData as error:
        _note(dataset, provider.name, symbol, day.date, FetchAttempt.Outcome.NO_DATA, str(error))
        return error
    except ProviderFailed as error:
        _note(dataset, provider.name, symbol, day.date, FetchAttempt.Outcome.FAILED, str(error))
        return error
    instrument = store.ensure_instruments([symbol])[symbol]
    store.write_days(dataset.pk, [NewDay(instrument, day.date, bars, origin=f"provider {provider.name}")])
    _note(dataset, provider.name, symbol, day.date, FetchAttempt.Outcome.ROWS, "")
    return None


def _ask(provider: Provider, symbol: str, day: TradingDay) -> BarColumns:
    """The provider's bars of the day, all of them sound."""
    answer = provider.fetch_bars(symbol, day.open, day.close)
    if isinstance(answer, NoDataExists):
        raise NoData(f"{provider.name} has no bars of {symbol} on {day.date}: {answer.reason}")
    if not len(answer.stamps):
        raise NoData(f"{provider.name} has no bars of {symbol} on {day.date}: its answer is empty")
    bars = _on_the_day(answer, day)
    fault = _first_fault(bars, day)
    if fault is not None:
        row, reason = fault
        stamp = day.open + dt.timedelta(seconds=int(bars.offset[row]))
        raise ProviderFailed(f"{provider.name} sent a broken bar of {symbol} at {stamp:%Y-%m-%dT%H:%MZ}: {reason}")
    return bars


def _on_the_day(answer: Rows, day: TradingDay) -> BarColumns:
    offset = answer.stamps - round(day.open.timestamp())
    rest = (getattr(answer.bars, name) for name in BarColumns.__slots__[1:])
    return BarColumns(offset, *rest)


def _first_fault(bars: BarColumns, day: TradingDay) -> tuple[int, str] | None:
    """(row, reason) of the first row that is broken, is not of the session, or is out of order."""
    if broken := broken_rows(bars):
        return broken[0]
    outside = np.flatnonzero((bars.offset < 0) | (bars.offset >= day.minutes * 60))
    if len(outside):
        return int(outside[0]), f"it is outside the session ({day.open:%H:%M} to {day.close:%H:%M} UTC)"
    unordered = np.flatnonzero(np.diff(bars.offset) <= 0)
    return (int(unordered[0]) + 1, "it is not after the one before it") if len(unordered) else None


def _note(dataset: Dataset, provider: str, symbol: str, date: dt.date, outcome: str, reason: str) -> None:
    instrument = store.ensure_instruments([symbol])[symbol]
    now = dt.datetime.now(dt.UTC)
    attempt, _ = FetchAttempt.objects.get_or_create(
        dataset=dataset, instrument_id=instrument, date=date, provider=provider
    )
    FetchAttempt.objects.filter(pk=attempt.pk).update(
        attempts=F("attempts") + 1, outcome=outcome, reason=reason, last_at=now
    )
