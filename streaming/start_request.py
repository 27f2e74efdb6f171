"""What can be asked for when a session is started, and what is chosen where nothing was said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from marketdata import calendar
from marketdata.errors import BadInterval, MarketDataError, NotATradingDay
from marketdata.intervals import parse_interval
from marketdata.models import Dataset
from marketdata.providers.base import get_provider, provider_dataset
from sessions.control import ControlError, check_speed
from sessions.models import StreamType
from streaming.stream_types import (
    DEFAULT_STEP_MS,
    BadStreamType,
    check_step,
    choose_dataset,
    dates_with,
    parse_types,
    told,
)

Say = Callable[[str], None]


@dataclass(frozen=True)
class StartRequest:
    """What a person asks for; empty fields are chosen by the service and said."""

    symbols: tuple[str, ...]
    date: dt.date | None = None
    until: dt.date | None = None
    speed: float = 1.0
    interval: str = "1m"
    derive: tuple[str, ...] = ("5m", "15m")
    types: tuple[str, ...] = (StreamType.BARS,)
    clock_step: int = DEFAULT_STEP_MS
    dataset: str = ""
    provider: str = ""
    name: str = ""
    as_known: bool = False
    created_by: str = ""


class StartError(Exception):
    """Nothing was started; `field` is the part of the request that it is about."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.message, self.field = message, field


@dataclass(frozen=True)
class Plan:
    """A request that can be met, with all that it left open."""

    symbols: tuple[str, ...]
    types: tuple[StreamType, ...]
    dataset: Dataset
    first: dt.date
    last: dt.date


def check(request: StartRequest, say: Say) -> Plan:
    """Raises StartError, with the field that it is about. `say` is told of a first day that was moved."""
    symbols = _symbols(request.symbols)
    types = _types(request)
    dataset = _dataset(request, symbols, types)
    first = _first_day(request, dataset, symbols, types, say)
    return Plan(tuple(symbols), types, dataset, first, _last_day(request, first))


def _symbols(symbols: tuple[str, ...]) -> list[str]:
    wanted = list(dict.fromkeys(symbol.strip().upper() for symbol in symbols if symbol.strip()))
    if not wanted:
        raise StartError("No symbol was given: name at least one, e.g. AAPL.", "symbols")
    return wanted


def _types(request: StartRequest) -> tuple[StreamType, ...]:
    """The stream types, once all that needs no data is found right."""
    try:
        check_speed(request.speed)
    except ControlError as error:
        raise StartError(str(error), "speed") from None
    if request.interval != "1m":
        raise StartError(
            f"Interval {request.interval!r} cannot be streamed: bars are replayed as 1m; derive gives wider ones.",
            "interval",
        )
    try:
        for name in request.derive:
            parse_interval(name)
    except BadInterval as error:
        raise StartError(str(error), "derive") from None
    try:
        check_step(request.clock_step)
    except BadStreamType as error:
        raise StartError(str(error), "clock_step") from None
    try:
        return parse_types(request.types)
    except BadStreamType as error:
        raise StartError(str(error), "types") from None


def _dataset(request: StartRequest, symbols: list[str], types: tuple[StreamType, ...]) -> Dataset:
    if request.provider:
        return _provider_dataset(request)
    if request.dataset:
        found = Dataset.objects.filter(name=request.dataset).first()
        if found is None:
            names = ", ".join(Dataset.objects.values_list("name", flat=True)) or "none yet"
            raise StartError(f"There is no dataset {request.dataset!r}: there are {names}.", "dataset")
        return found
    found = choose_dataset(symbols, types, request.date)
    if found is None:
        raise StartError(
            f"No dataset has {_of(types)}{' and '.join(symbols)}{f' on {request.date}' if request.date else ''}: "
            f"import {told(types)}, or use --provider synthetic.",
            "symbols",
        )
    return found


def _of(types: tuple[StreamType, ...]) -> str:
    return "" if types == (StreamType.BARS,) else f"{told(types)} of "


def _provider_dataset(request: StartRequest) -> Dataset:
    try:
        dataset = provider_dataset(get_provider(request.provider))
    except MarketDataError as error:
        raise StartError(str(error), "provider") from None
    if request.dataset and request.dataset != dataset.name:
        raise StartError(
            f"Provider {request.provider} serves dataset {dataset.name}, not {request.dataset}.", "dataset"
        )
    return dataset


def _first_day(
    request: StartRequest, dataset: Dataset, symbols: list[str], types: tuple[StreamType, ...], say: Say
) -> dt.date:
    if request.date is not None:
        try:
            if not calendar.is_trading_day(request.date):
                return _next_trading_day(request.date, say)
        except MarketDataError as error:
            raise StartError(str(error), "date") from None
        return request.date
    days = dates_with(dataset.pk, symbols, types)
    if days:
        return days[-1] if request.until is None else next((d for d in reversed(days) if d <= request.until), days[-1])
    if request.provider or dataset.provider:
        return calendar.previous_trading_day(dt.datetime.now(dt.UTC).date()).date
    without = [symbol for symbol in symbols if not dates_with(dataset.pk, [symbol], types)]
    if without:
        raise StartError(f"Dataset {dataset} has no {told(types)} of {', '.join(without)}.", "symbols")
    raise StartError(f"Dataset {dataset} has no day with all of {', '.join(symbols)}: give a date.", "date")


def _next_trading_day(date: dt.date, say: Say) -> dt.date:
    upcoming = calendar.next_trading_day(date).date
    try:
        calendar.trading_day(date)
    except NotATradingDay as error:
        say(f"{error} Starting on {upcoming}.")
    return upcoming


def _last_day(request: StartRequest, first: dt.date) -> dt.date:
    if request.until is None:
        return first
    if request.until < first:
        raise StartError(f"The window ends on {request.until}, before its first trading day {first}.", "until")
    return calendar.trading_days(first, request.until)[-1].date
