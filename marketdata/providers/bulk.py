"""Many symbols and days from a provider: only what is missing, in parallel within its limits, resumable.

Every question's answer is committed by itself, so whatever ends a run, the next one asks for the rest only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from marketdata.calendar import TradingDay
from marketdata.errors import MarketDataError, NoData, ProviderFailed, ProviderRefused, UnknownSymbol
from marketdata.models import Dataset, DayVersion, FetchAttempt
from marketdata.providers.base import Provider
from marketdata.providers.fetching import Outcomes, Problem, fetch_together
from marketdata.providers.together import symbols_at_once


@dataclass(frozen=True, slots=True)
class Question:
    """Consecutive days of the same symbols, few enough of both for the provider to answer at once."""

    symbols: tuple[str, ...]
    days: tuple[TradingDay, ...]

    @property
    def size(self) -> int:
        """Symbols' days in it."""
        return len(self.symbols) * len(self.days)


@dataclass(slots=True)
class Plan:
    """What is to be asked, and of the days asked for those that need no question."""

    questions: list[Question] = field(default_factory=list)
    held: int = 0
    known_without: int = 0

    @property
    def days(self) -> int:
        return sum(question.size for question in self.questions)


@dataclass(slots=True)
class Tally:
    """What came of it, in days."""

    fetched: int = 0
    without: list[tuple[str, dt.date, str]] = field(default_factory=list)
    failed: list[tuple[str, dt.date, str]] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)
    refused: str = ""
    daily: dict[str, int | str] = field(default_factory=dict)
    """Symbol → daily bars that came, or why none did."""

    def count(self, symbol: str, date: dt.date, problem: Problem | None) -> None:
        if problem is None:
            self.fetched += 1
        elif isinstance(problem, NoData):
            self.without.append((symbol, date, str(problem)))
        else:
            self.failed.append((symbol, date, str(problem)))
        if isinstance(problem, ProviderRefused):
            self.refused = str(problem)

    def as_dict(self) -> dict[str, Any]:
        def rows(found: list[tuple[str, dt.date, str]]) -> list[dict[str, str]]:
            return [{"symbol": symbol, "date": f"{date}", "reason": reason} for symbol, date, reason in sorted(found)]

        return {
            "fetched": self.fetched,
            "no_data": rows(self.without),
            "failed": rows(self.failed),
            "unknown": self.unknown,
            "refused": self.refused,
            "daily": self.daily,
        }


def plan(
    dataset: Dataset, provider: Provider, symbols: Sequence[str], days: Sequence[TradingDay], *, again: bool = False
) -> Plan:
    """Questions for the days that the store lacks; `again`: also for those of which the answer was "no data"."""
    made = Plan()
    held, without = _held(dataset, symbols, days), _known_without(dataset, provider, symbols, days)
    most, parallel = getattr(provider, "days_per_question", 1), getattr(provider, "parallel", 1)
    wanted: dict[tuple[TradingDay, ...], list[str]] = {}
    for symbol in symbols:
        mine, empty = held.get(symbol, set()), set() if again else without.get(symbol, set())
        made.held += len(mine)
        made.known_without += len(empty - mine)
        for run in _runs(days, mine | empty, most):
            wanted.setdefault(run, []).append(symbol)
    for run, of in sorted(wanted.items(), key=lambda item: item[0][0].date):
        size = min(symbols_at_once(provider, len(run)), -(-len(of) // parallel))
        made.questions += [Question(tuple(of[first : first + size]), run) for first in range(0, len(of), size)]
    return made


def _runs(days: Sequence[TradingDay], settled: set[dt.date], most: int) -> Iterator[tuple[TradingDay, ...]]:
    """Consecutive days that are not settled, at most so many together."""
    run: list[TradingDay] = []
    for day in days:
        if run and (day.date in settled or len(run) == most):
            yield tuple(run)
            run = []
        if day.date not in settled:
            run.append(day)
    if run:
        yield tuple(run)


def _held(dataset: Dataset, symbols: Sequence[str], days: Sequence[TradingDay]) -> dict[str, set[dt.date]]:
    rows = DayVersion.objects.current().regular().minutes().filter(dataset=dataset, instrument__symbol__in=symbols)
    within = rows.filter(date__gte=days[0].date, date__lte=days[-1].date)
    return _by_symbol(within.values_list("instrument__symbol", "date"))


def _known_without(
    dataset: Dataset, provider: Provider, symbols: Sequence[str], days: Sequence[TradingDay]
) -> dict[str, set[dt.date]]:
    rows = FetchAttempt.objects.filter(
        dataset=dataset,
        provider=provider.name,
        outcome=FetchAttempt.Outcome.NO_DATA,
        purpose=FetchAttempt.Purpose.DAY,
        instrument__symbol__in=symbols,
        date__gte=days[0].date,
        date__lte=days[-1].date,
    )
    return _by_symbol(rows.values_list("instrument__symbol", "date"))


def _by_symbol(rows: Any) -> dict[str, set[dt.date]]:
    found: dict[str, set[dt.date]] = {}
    for symbol, date in rows:
        found.setdefault(symbol, set()).add(date)
    return found


def fetch(
    dataset: Dataset,
    provider: Provider,
    questions: Sequence[Question],
    parallel: int,
    report: Callable[[Question], None],
) -> Tally:
    """Ask them all, `report` after each. A refusal ends it: what was not asked yet stays unasked."""
    tally = Tally()
    pool = ThreadPoolExecutor(parallel, thread_name_prefix="fetch")
    try:
        asked = {pool.submit(_fetch, dataset, provider, question, tally): question for question in questions}
        for done in as_completed(asked):
            _count(tally, asked[done], done)
            report(asked[done])
            if tally.refused:
                break
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return tally


Answer = dict[str, Outcomes | UnknownSymbol]


def _fetch(dataset: Dataset, provider: Provider, question: Question, tally: Tally) -> Answer:
    """One question, in a thread of its own; nothing more is asked of a symbol that the provider does not know."""
    symbols = [symbol for symbol in question.symbols if symbol not in tally.unknown]
    if not symbols or tally.refused:
        return {}
    try:
        return fetch_together(dataset, provider, symbols, question.days)
    finally:
        connection.close()


def _count(tally: Tally, question: Question, done: Future[Answer]) -> None:
    try:
        answer = done.result()
    except MarketDataError as error:
        failed = ProviderFailed(str(error))
        answer = {symbol: dict.fromkeys((day.date for day in question.days), failed) for symbol in question.symbols}
    for symbol, outcomes in answer.items():
        if isinstance(outcomes, UnknownSymbol):
            tally.unknown[symbol] = str(outcomes)
            continue
        for date, problem in outcomes.items():
            tally.count(symbol, date, problem)
