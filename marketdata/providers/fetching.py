"""Days from a provider into the store: asked for once however many want them, checked, and every answer kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from django.db import InterfaceError, OperationalError, connection
from django.db.models import F
from django.db.models.functions import Now

from marketdata import store
from marketdata.calendar import TradingDay, calendar_of
from marketdata.columns import BarColumns, no_bars
from marketdata.errors import NoData, ProviderFailed, UnknownSymbol
from marketdata.locks import Locks
from marketdata.models import Dataset, FetchAttempt, QuarantinedRow
from marketdata.providers.asking import ask
from marketdata.providers.base import BadRow, NoDataExists, Provider, Rows, get_provider
from marketdata.providers.together import Answered, ask_together, questions
from marketdata.rules import broken_rows
from marketdata.store import NewDay

Outcome = FetchAttempt.Outcome
Problem = NoData | ProviderFailed
Refusal = Problem | UnknownSymbol
Outcomes = dict[dt.date, Problem | None]
"""Date → what went wrong, None where the store has the day now."""


def ensure_day(dataset: Dataset, provider_name: str, symbol: str, date: dt.date) -> None:
    """See that the store has the symbol's day, asking the provider if it has not; callers at once ask once.

    Raises NoData, UnknownSymbol or ProviderFailed; what was asked and answered is kept as a FetchAttempt.
    """
    if symbol in store.have(dataset.pk, date, [symbol]):
        return
    provider = get_provider(provider_name)
    if refused := not_served(provider, [symbol]):
        raise refused
    problem = fetch_days(dataset, provider, symbol, [_day(date, [symbol])])[date]
    if problem is not None:
        raise problem


def ensure_symbols(
    dataset: Dataset, provider_name: str, symbols: Sequence[str], date: dt.date, *, go_on: bool = False
) -> dict[str, Refusal]:
    """`ensure_day` for each of the symbols, in as few questions as the provider allows; symbol → what went wrong.

    A question with a failure is the last one, unless asked to go on; what else it brought is kept.
    """
    provider = get_provider(provider_name)
    if refused := not_served(provider, symbols):
        return dict.fromkeys(symbols, refused)
    day = _day(date, symbols)
    problems: dict[str, Refusal] = {}
    for group in questions(provider, sorted(symbols)):
        for symbol, outcome in fetch_together(dataset, provider, group, [day]).items():
            problem = outcome if isinstance(outcome, UnknownSymbol) else outcome[date]
            problems |= {symbol: problem} if problem else {}
        if not go_on and not all(isinstance(problem, NoData) for problem in problems.values()):
            break
    return problems


def not_served(provider: object, symbols: Sequence[str]) -> NoData | None:
    """Why a provider that declares its exchanges cannot be asked: it would answer with another exchange's hours."""
    exchange, served = store.exchange_of(symbols), getattr(provider, "exchanges", None)
    if served is None or exchange in served:
        return None
    names = f"{', '.join(symbols[:5])}{', …' if len(symbols) > 5 else ''}"
    return NoData(f"The provider has days of {', '.join(served)} only, and {names} is of {exchange}: import them.")


def _day(date: dt.date, symbols: Sequence[str]) -> TradingDay:
    """The trading day in the calendar that the symbols share."""
    return calendar_of(store.exchange_of(symbols)).trading_day(date)


def fetch_together(
    dataset: Dataset, provider: Provider, symbols: Sequence[str], days: Sequence[TradingDay]
) -> dict[str, Outcomes | UnknownSymbol]:
    """`fetch_days` for each of the symbols: in one question, and those that its answer lacks in one of their own."""
    with _one_at_a_time(dataset, symbols, days):
        held = set.intersection(*(store.have(dataset.pk, day.date, symbols) for day in days))
        ahead = ask_together(provider, [symbol for symbol in symbols if symbol not in held], days)
        return {symbol: _tried(dataset, provider, symbol, days, ahead.get(symbol)) for symbol in symbols}


def _tried(
    dataset: Dataset, provider: Provider, symbol: str, days: Sequence[TradingDay], ahead: Answered | None
) -> Outcomes | UnknownSymbol:
    try:
        return fetch_days(dataset, provider, symbol, days, ahead)
    except UnknownSymbol as error:
        return error


def fetch_days(
    dataset: Dataset, provider: Provider, symbol: str, days: Sequence[TradingDay], ahead: Answered | None = None
) -> Outcomes:
    """Have the store hold these days, in one question; date → what went wrong, None where the store has it now.

    `ahead`: what was answered about these days already. Raises UnknownSymbol, and keeps nothing of it.
    """
    with _one_at_a_time(dataset, [symbol], days):
        wanted = [day for day in days if symbol not in store.have(dataset.pk, day.date, [symbol])]
        inquiry = Inquiry(provider, symbol, ahead)
        answers = inquiry.days(wanted)
        if answers:
            _keep(dataset, inquiry, answers)
    problems = {date: answer for date, answer in answers.items() if isinstance(answer, Exception)}
    return {day.date: problems.get(day.date) for day in days}


@contextmanager
def _one_at_a_time(dataset: Dataset, symbols: Sequence[str], days: Sequence[TradingDay]) -> Iterator[None]:
    """Whoever waits here sees, once let in, what the one before has written. Always in one order.

    Not in a transaction: while a provider is asked, nothing may be locked that others write.
    """
    keys = [f"{dataset.pk} {symbol} {date}" for date, symbol in sorted(product((day.date for day in days), symbols))]
    with connection.cursor() as cursor:
        try:
            for key in keys:
                cursor.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [Locks.FETCH, key])
            yield
        finally:
            # A connection that broke has let them go.
            with suppress(OperationalError, InterfaceError):
                cursor.execute(
                    "SELECT pg_advisory_unlock(%s, hashtext(k)) FROM unnest(%s::text[]) k", [Locks.FETCH, keys]
                )


Answers = Mapping[dt.date, BarColumns | Problem]


@dataclass(slots=True)
class Inquiry:
    """What one provider is asked about one symbol, and the rows of its answers that broke a rule.

    `ahead`: what it said of these days when it was asked about many symbols: the answer to the first question.
    """

    provider: Provider
    symbol: str
    ahead: Answered | None = None
    bad: list[BadRow] = field(default_factory=list)

    def days(self, days: Sequence[TradingDay]) -> Answers:
        """What the provider has of each. A day without a row in a longer answer is asked for alone, to be sure."""
        if len(days) < 2:
            return {day.date: self._settled(day) for day in days}
        try:
            answer = self._ask(days[0].open, days[-1].close)
        except ProviderFailed as error:
            return dict.fromkeys((day.date for day in days), error)
        rows = answer if isinstance(answer, Rows) else Rows(no_bars().offset, no_bars())
        found: dict[dt.date, BarColumns | Problem] = {}
        for day in days:
            part = _within(rows, day)
            found[day.date] = self._sound(day, part) if len(part) else self._settled(day)
        return found

    def day(self, day: TradingDay) -> BarColumns:
        """The day's bars, all of them sound. Raises NoData, UnknownSymbol or ProviderFailed."""
        answer, who = self._ask(day.open, day.close), f"{self.provider.name} has no bars of {self.symbol} on {day.date}"
        if isinstance(answer, NoDataExists):
            raise NoData(f"{who}: {answer.reason}")
        if not len(answer.stamps):
            raise NoData(f"{who}: its answer is empty")
        bars = self._sound(day, _on_the_day(answer, day))
        if isinstance(bars, ProviderFailed):
            raise bars
        return bars

    def _settled(self, day: TradingDay) -> BarColumns | Problem:
        try:
            return self.day(day)
        except (NoData, ProviderFailed) as error:
            return error

    def _ask(self, start: dt.datetime, end: dt.datetime) -> Rows | NoDataExists:
        answer = self._said(start, end) or ask(self.provider, self.provider.fetch_bars, self.symbol, start, end)
        if isinstance(answer, ProviderFailed | UnknownSymbol):
            raise answer
        if isinstance(answer, Rows):
            self.bad += answer.bad
        return answer

    def _said(self, start: dt.datetime, end: dt.datetime) -> Answered | None:
        """What was answered already, of that span, once. Bars of other days alone say nothing of it."""
        said, self.ahead = self.ahead, None
        if not isinstance(said, Rows):
            return said
        inside = (said.stamps >= start.timestamp()) & (said.stamps < end.timestamp())
        return Rows(said.stamps[inside], said.bars.take(inside), said.bad) if inside.any() else None

    def _sound(self, day: TradingDay, bars: BarColumns) -> BarColumns | ProviderFailed:
        fault = _first_fault(bars, day)
        if fault is None:
            return bars
        row, reason = fault
        stamp = day.open + dt.timedelta(seconds=int(bars.offset[row]))
        return ProviderFailed(
            f"{self.provider.name} sent a broken bar of {self.symbol} at {stamp:%Y-%m-%dT%H:%MZ}: {reason}"
        )


def _on_the_day(answer: Rows, day: TradingDay) -> BarColumns:
    offset = answer.stamps - round(day.open.timestamp())
    rest = (getattr(answer.bars, name) for name in BarColumns.__slots__[1:])
    return BarColumns(offset, *rest)


def _within(answer: Rows, day: TradingDay) -> BarColumns:
    bars = _on_the_day(answer, day)
    return bars.take((bars.offset >= 0) & (bars.offset < day.minutes * 60) & ~day.midday.holds(bars.offset // 60))


def _first_fault(bars: BarColumns, day: TradingDay) -> tuple[int, str] | None:
    """(row, reason) of the first row that is broken, is not of the session, or is out of order."""
    if broken := broken_rows(bars):
        return broken[0]
    outside = np.flatnonzero((bars.offset < 0) | (bars.offset >= day.minutes * 60))
    if len(outside):
        return int(outside[0]), f"it is outside the session ({day.open:%H:%M} to {day.close:%H:%M} UTC)"
    if (resting := day.midday.holds(bars.offset // 60)).any():
        return int(np.flatnonzero(resting)[0]), "it is in the session's midday break"
    unordered = np.flatnonzero(np.diff(bars.offset) <= 0)
    return (int(unordered[0]) + 1, "it is not after the one before it") if len(unordered) else None


# --- what came of it ------------------------------------------------------------------------------------


def _keep(dataset: Dataset, inquiry: Inquiry, answers: Answers) -> None:
    """Store what there is and note every answer."""
    provider, symbol = inquiry.provider, inquiry.symbol
    instrument = store.ensure_instruments([symbol])[symbol]
    days = [
        NewDay(instrument, date, bars, origin=origin_of(provider.name))
        for date, bars in answers.items()
        if isinstance(bars, BarColumns)
    ]
    store.write_days(dataset.pk, days)
    quarantine(dataset, symbol, inquiry.bad)
    for date, answer in answers.items():
        outcome = Outcome.NO_DATA if isinstance(answer, NoData) else Outcome.FAILED
        reason = str(answer) if isinstance(answer, Exception) else ""
        note(dataset.pk, instrument, date, provider.name, outcome if reason else Outcome.ROWS, reason)


def origin_of(provider: str) -> str:
    """How a day says that it came from this provider."""
    return f"provider {provider}"


def note(dataset_id: int, instrument_id: int, date: dt.date, provider: str, outcome: str, reason: str) -> None:
    attempt, _ = FetchAttempt.objects.get_or_create(
        dataset_id=dataset_id,
        instrument_id=instrument_id,
        date=date,
        provider=provider,
        purpose=FetchAttempt.Purpose.DAY,
    )
    FetchAttempt.objects.filter(pk=attempt.pk).update(
        attempts=F("attempts") + 1, outcome=outcome, reason=reason, last_at=Now()
    )


def quarantine(dataset: Dataset, symbol: str, rows: Sequence[BadRow]) -> None:
    """Keep rows that broke a rule; the same row again is the same row."""
    QuarantinedRow.objects.bulk_create(
        [
            QuarantinedRow(
                dataset=dataset,
                file=row.file[-512:],
                line=row.line,
                reason=row.reason[:255],
                raw=row.raw,
                symbol=symbol[:64],
            )
            for row in rows
        ],
        ignore_conflicts=True,
    )
