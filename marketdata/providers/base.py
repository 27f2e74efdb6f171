"""Providers: where missing days come from. One small protocol, configured like Django's own backends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from marketdata.columns import BarColumns, Ints
from marketdata.errors import MarketDataError, ProviderFailed
from marketdata.models import Dataset


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """The dataset that a provider's answers belong to."""

    name: str
    source: str
    feed: str = ""
    price_mode: str = "raw"
    synthetic: bool = False


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row of the source that broke a rule and is not among the bars: kept in quarantine."""

    file: str
    line: int | None
    reason: str
    raw: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Bars, in time order. `stamps`: their starts, UTC seconds since the epoch; offsets in `bars` are not read."""

    stamps: Ints
    bars: BarColumns
    bad: Sequence[BadRow] = ()


@dataclass(frozen=True, slots=True)
class NoDataExists:
    """The provider answered that there is nothing."""

    reason: str


BarsAnswer = Rows | NoDataExists
Label = Literal["start", "end"]


class Provider(Protocol):
    """What a provider is. Failures raise ProviderFailed, unknown symbols UnknownSymbol.

    Optional: `deadline_seconds`, how long a question may take. Optional, 1 where absent: `parallel`, questions that
    it may be asked at the same time, and `days_per_question`, trading days that one question may span; what
    `providers.together.ManyAtOnce` says; and `exchanges`, the calendars that it has days of, where they are not all.
    """

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
    """The configured provider of that name. Raises MarketDataError where there is none, or it cannot be made."""
    known: dict[str, dict[str, Any]] = settings.MARKETDATA_PROVIDERS
    if name not in known:
        raise MarketDataError(f"There is no provider {name!r}: MARKETDATA_PROVIDERS has {', '.join(sorted(known))}.")
    try:
        backend = import_string(known[name]["BACKEND"])
        provider: Provider = backend(name, **known[name].get("OPTIONS", {}))
    except MarketDataError:
        raise
    except Exception as error:  # somebody else's code: whatever it raises, only what needs this provider may fail
        raise ProviderFailed(f"The provider {name} cannot be made: {type(error).__name__}: {error}") from error
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
