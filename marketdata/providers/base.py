"""Providers: where missing days come from. One small protocol, configured like Django's own backends."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils.module_loading import import_string

from marketdata import store
from marketdata.calendar import trading_day
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


class Provider(Protocol):
    """What a provider is. Failures raise ProviderFailed, unknown symbols UnknownSymbol."""

    name: str
    dataset: DatasetSpec
    authoritative: bool
    """Whether a minute absent from its answer is proof that nothing traded."""

    def fetch_bars(
        self, symbol: str, start: dt.datetime, end: dt.datetime, interval: str = "1m"
    ) -> Rows | NoDataExists:
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
    """See that the store has the symbol's day, asking the provider if it has not.

    Raises NoData, UnknownSymbol or ProviderFailed; what was asked and answered is kept as a FetchAttempt.
    """
    if symbol in store.have(dataset.pk, date, [symbol]):
        return
    provider = get_provider(provider_name)
    day = trading_day(date)
    answer = _ask(dataset, provider, symbol, day.open, day.close)
    if isinstance(answer, NoDataExists):
        raise NoData(f"{provider.name} has no bars of {symbol} on {date}: {answer.reason}")
    instrument = store.ensure_instruments([symbol])[symbol]
    bars = _on_the_day(answer, day.open)
    broken = broken_rows(bars)
    if broken:
        row, reason = broken[0]
        stamp = day.open + dt.timedelta(seconds=int(bars.offset[row]))
        raise ProviderFailed(f"{provider.name} sent a broken bar of {symbol} at {stamp:%Y-%m-%dT%H:%MZ}: {reason}")
    store.write_days(dataset.pk, [NewDay(instrument, date, bars, origin=f"provider {provider.name}")])


def _on_the_day(answer: Rows, opened: dt.datetime) -> BarColumns:
    offset = answer.stamps - round(opened.timestamp())
    rest = (getattr(answer.bars, name) for name in BarColumns.__slots__[1:])
    return BarColumns(offset, *rest)


def _ask(
    dataset: Dataset, provider: Provider, symbol: str, start: dt.datetime, end: dt.datetime
) -> Rows | NoDataExists:
    """Ask once at a time per (dataset, symbol, day), and keep what came of it."""
    with transaction.atomic(), connection.cursor() as cursor:
        key = f"{dataset.pk} {symbol} {start.date()}"
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [FETCH_LOCK, key])
        try:
            answer = provider.fetch_bars(symbol, start, end)
        except ProviderFailed as error:
            failure = error
        else:
            outcome = FetchAttempt.Outcome.ROWS
            if isinstance(answer, NoDataExists):
                outcome = FetchAttempt.Outcome.NO_DATA
            _note(dataset, provider.name, symbol, start, outcome, getattr(answer, "reason", ""))
            return answer
    _note(dataset, provider.name, symbol, start, FetchAttempt.Outcome.FAILED, str(failure))
    raise failure


def _note(dataset: Dataset, provider: str, symbol: str, start: dt.datetime, outcome: str, reason: str) -> None:
    instrument = store.ensure_instruments([symbol])[symbol]
    now = dt.datetime.now(dt.UTC)
    attempt, _ = FetchAttempt.objects.get_or_create(
        dataset=dataset, instrument_id=instrument, date=start.date(), provider=provider
    )
    FetchAttempt.objects.filter(pk=attempt.pk).update(
        attempts=F("attempts") + 1, outcome=outcome, reason=reason, last_at=now
    )
