"""What can be asked for when a session is started, and what is chosen where nothing was said."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from marketdata import store
from marketdata.errors import BadInterval, BadSymbol, MarketDataError, NotATradingDay
from marketdata.exchange_calendar import EXTENDED_HOURS, ExchangeCalendar, calendar_of
from marketdata.hours import Hours
from marketdata.intervals import parse_interval
from marketdata.models import Dataset
from marketdata.providers.base import get_provider, provider_dataset
from marketdata.symbols import require_symbols
from sessions.control import ControlError, check_speed, require_room
from sessions.models import StreamType
from streaming.base.stream_types import (
    DEFAULT_STEP_MS,
    BadStreamType,
    check_step,
    choose_dataset,
    dates_with,
    in_words,
    last_date_with_any,
    parse_types,
)
from streaming.starts.error import StartError

Say = Callable[[str], None]
LONGEST_NIGHT = 3600
"""Wall seconds."""


@dataclass(frozen=True)
class StartRequest:
    """What a person asks for; empty fields are chosen by the service and said."""

    symbols: tuple[str, ...]
    date: dt.date | None = None
    until: dt.date | None = None
    speed: float = 1.0
    paused: bool = False
    """It stands at the first open until it is resumed."""
    interval: str = "1m"
    derive: tuple[str, ...] = ("5m", "15m")
    types: tuple[str, ...] = (StreamType.BARS,)
    clock_step: int = DEFAULT_STEP_MS
    night_seconds: float = 3.0
    hours: str = Hours.REGULAR
    dataset: str = ""
    provider: str = ""
    name: str = ""
    as_known: bool = False
    created_by: str = ""


@dataclass(frozen=True)
class Plan:
    """A request that can be met, with all that it left open."""

    symbols: tuple[str, ...]
    types: tuple[StreamType, ...]
    dataset: Dataset
    first: dt.date
    last: dt.date
    exchange: str


def check(request: StartRequest, say: Say) -> Plan:
    """Raises StartError, with the field that it is about. `say` gets a line about a first day that was moved."""
    symbols = _symbols(request.symbols)
    types = _types(request)
    days = _calendar(request, symbols)
    asked = _trading_day(request, days, say)
    dataset = _dataset(request, symbols, types, asked)
    first = asked or _newest_day(request, dataset, symbols, types, days)
    last = _last_day(request, first, days, say)
    if not (request.provider or dataset.provider):
        _require_held(dataset, symbols, types, first)
        last = _last_held(dataset, symbols, types, first, last, say)
    return Plan(tuple(symbols), types, dataset, first, last, days.exchange)


def _calendar(request: StartRequest, symbols: list[str]) -> ExchangeCalendar:
    """The calendar of the symbols, which must share one."""
    try:
        exchange = store.exchange_of(symbols)
    except MarketDataError as error:
        raise StartError(str(error), "symbols") from None
    if request.hours == Hours.EXTENDED and exchange not in EXTENDED_HOURS:
        raise StartError(f"{exchange} has no extended hours that are known: give regular.", "hours")
    return calendar_of(exchange)


def _symbols(symbols: tuple[str, ...]) -> list[str]:
    names = store.spelled(symbols)
    if not names:
        raise StartError("No symbol was given: name at least one, e.g. AAPL.", "symbols")
    try:
        require_symbols(names)
        require_room(0, names)
    except (BadSymbol, ControlError) as error:
        raise StartError(str(error), "symbols") from None
    return names


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
    if not 0 <= request.night_seconds <= LONGEST_NIGHT:
        raise StartError(
            f"A night of {request.night_seconds:g} s is not possible: give 0 to {LONGEST_NIGHT}.", "night_seconds"
        )
    if request.hours not in Hours.values:
        raise StartError(f"{request.hours!r} are no hours: give regular or extended.", "hours")
    try:
        return parse_types(request.types)
    except BadStreamType as error:
        raise StartError(str(error), "types") from None


def _dataset(request: StartRequest, symbols: list[str], types: tuple[StreamType, ...], date: dt.date | None) -> Dataset:
    if request.provider:
        return _provider_dataset(request)
    if request.dataset:
        found = Dataset.objects.filter(name=request.dataset).first()
        if found is None:
            names = ", ".join(Dataset.objects.values_list("name", flat=True)) or "none yet"
            raise StartError(f"There is no dataset {request.dataset!r}: there are {names}.", "dataset")
        return found
    found = choose_dataset(symbols, types, date)
    if found is None:
        other = choose_dataset(symbols, types, None) if date else None
        near = _nearest(other, symbols, types, date) if other and date else ""
        raise StartError(
            f"No dataset has {_of(types)}{' and '.join(symbols)}{f' on {date}' if date else ''}{near}: "
            f"import {in_words(types)}, or use --provider synthetic.",
            "date" if near else "symbols",
        )
    return found


def _nearest(dataset: Dataset, symbols: list[str], types: tuple[StreamType, ...], date: dt.date) -> str:
    """The days before and after that the dataset has of all the symbols, to be added to a refusal."""
    dates = dates_with(dataset.pk, symbols, types)
    around = [*[day for day in dates if day < date][-1:], *[day for day in dates if day > date][:1]]
    days = " and ".join(map(str, around))
    return f" (the nearest in {dataset}: {days})" if around else ""


def _require_held(dataset: Dataset, symbols: list[str], types: tuple[StreamType, ...], first: dt.date) -> None:
    """Where no provider fetches what is missing, a start on a day without anything of the symbols comes to nothing."""
    if last_date_with_any(dataset.pk, symbols, types, first) == first:
        return
    near = _nearest(dataset, symbols, types, first)
    raise StartError(f"Dataset {dataset} has no {in_words(types)} of {_some(symbols)} on {first}{near}.", "date")


def _of(types: tuple[StreamType, ...]) -> str:
    return "" if types == (StreamType.BARS,) else f"{in_words(types)} of "


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


def _trading_day(request: StartRequest, days: ExchangeCalendar, say: Say) -> dt.date | None:
    """The date asked for, or where that is closed the next one; None where none was."""
    if request.date is None:
        return None
    try:
        if not days.is_trading_day(request.date):
            return _next_trading_day(days, request.date, say)
    except MarketDataError as error:
        raise StartError(str(error), "date") from None
    return request.date


def _newest_day(
    request: StartRequest, dataset: Dataset, symbols: list[str], types: tuple[StreamType, ...], days: ExchangeCalendar
) -> dt.date:
    dates = dates_with(dataset.pk, symbols, types)
    if dates:
        until = request.until or dates[-1]
        return next((date for date in reversed(dates) if date <= until), dates[-1])
    if request.provider or dataset.provider:
        return days.previous_trading_day(dt.datetime.now(dt.UTC).date()).date
    without = [symbol for symbol in symbols if not dates_with(dataset.pk, [symbol], types)]
    if without:
        raise StartError(f"Dataset {dataset} has no {in_words(types)} of {', '.join(without)}.", "symbols")
    raise StartError(f"Dataset {dataset} has no day with all of {', '.join(symbols)}: give a date.", "date")


def _next_trading_day(days: ExchangeCalendar, date: dt.date, say: Say) -> dt.date:
    upcoming = days.next_trading_day(date).date
    try:
        days.trading_day(date)
    except NotATradingDay as error:
        say(f"{error} Starting on {upcoming}.")
    return upcoming


def _last_day(request: StartRequest, first: dt.date, days: ExchangeCalendar, say: Say) -> dt.date:
    if request.until is None:
        return first
    if request.until < first:
        raise StartError(f"The window ends on {request.until}, before its first trading day {first}.", "until")
    last = days.trading_days(first, request.until)[-1].date
    if last != request.until:
        closed, upcoming = days.why_closed(request.until), days.next_trading_day(request.until).date
        say(
            f"{request.until} is not a trading day of {days.exchange} ({closed}): the window ends on {last}; "
            f"the next trading day is {upcoming}."
        )
    return last


def _last_held(
    dataset: Dataset, symbols: list[str], types: tuple[StreamType, ...], first: dt.date, last: dt.date, say: Say
) -> dt.date:
    """Where no provider fetches what is missing, a window ends with the data; the session is then over, not failed."""
    if last == first:
        return last
    held = last_date_with_any(dataset.pk, symbols, types, last)
    if held is None or not first <= held < last:
        return last
    say(
        f"Dataset {dataset} has {in_words(types)} of {_some(symbols)} up to "
        f"{held}: the session ends there, not on {last}."
    )
    return held


def _some(symbols: list[str]) -> str:
    return ", ".join(symbols[:5]) + (" …" if len(symbols) > 5 else "")
