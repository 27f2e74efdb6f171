"""Coverage by symbol and by day, from the days' ledgers. Pure."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

import numpy as np

from marketdata.coverage.facts import DayFacts
from marketdata.exchange_calendar import NEW_YORK_STOCKS, calendar_of
from marketdata.gaps import shared_holes
from marketdata.ledger import BREAK, LETTERS

WITHOUT = re.compile("[AM]+")
CHANCE = 1e-3
"""Below this chance that all symbols were quiet by themselves, a minute that all lack is the feed's hole."""


@dataclass(slots=True)
class Coverage:
    """Minutes by letter and bars by oddity, of a symbol, of a day or of all."""

    letters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LETTERS, 0))
    expected: int = 0
    bars: int = 0
    outside: int = 0
    late: int = 0
    null_volume: int = 0
    zero_volume: int = 0
    longest_gap: int = 0

    @property
    def quality(self) -> float | None:
        held = sum(self.letters[letter] for letter in "TNF")
        return held / self.expected if self.expected else None

    def add(self, day: DayFacts) -> None:
        counts, gap = _counted(day.ledger)
        for letter, count in zip(LETTERS, counts, strict=True):
            self.letters[letter] += count
        self.expected += len(day.ledger) - day.ledger.count(BREAK)
        self.bars += day.bars
        self.outside += day.outside
        self.late += day.late
        self.null_volume += day.null_volume
        self.zero_volume += day.zero_volume
        self.longest_gap = max(self.longest_gap, gap)


@lru_cache(maxsize=1 << 16)
def _counted(ledger: str) -> tuple[tuple[int, ...], int]:
    """Minutes by letter and the longest run without a bar: asked for each day, symbol and whole."""
    gap = max((len(run) for run in WITHOUT.findall(ledger)), default=0)
    return tuple(ledger.count(letter) for letter in LETTERS), gap


@dataclass(frozen=True, slots=True)
class SymbolCoverage:
    symbol: str
    days: list[DayFacts]
    coverage: Coverage
    missing_days: list[dt.date]
    """Trading days between its first and last on which nothing of it is stored."""

    @property
    def half_days(self) -> int:
        return sum(day.session.is_half_day for day in self.days)


class SharedHole(NamedTuple):
    """Minutes that the same symbols lack, some of the day's and more than chance explains; by the exchange's clock."""

    minutes: list[tuple[str, str]]
    """First and last of each run."""
    symbols: list[str]


@dataclass(frozen=True, slots=True)
class DayCoverage:
    date: dt.date
    symbols: int
    coverage: Coverage
    feed_holes: list[tuple[str, str]]
    """First and last minute of each, by the exchange's clock."""
    exchange: str = NEW_YORK_STOCKS
    shared_holes: list[SharedHole] = field(default_factory=list)

    @property
    def minutes(self) -> int:
        return self.coverage.expected // self.symbols


def covered(days: Iterable[DayFacts]) -> Coverage:
    found = Coverage()
    for day in days:
        found.add(day)
    return found


def by_symbol(days: Sequence[DayFacts]) -> list[SymbolCoverage]:
    ordered = sorted(days, key=lambda day: (day.symbol, day.date))
    runs = ((symbol, list(run)) for symbol, run in groupby(ordered, lambda day: day.symbol))
    return [SymbolCoverage(symbol, run, covered(run), _missing(run)) for symbol, run in runs]


def by_day(days: Sequence[DayFacts]) -> list[DayCoverage]:
    """Days in order, those of one calendar together."""
    ordered = sorted(days, key=lambda day: (day.date, day.exchange))
    runs = [(key, list(run)) for key, run in groupby(ordered, lambda day: (day.date, day.exchange))]
    return [
        DayCoverage(date, len(run), covered(run), _evident(run), exchange, _shared(run, len(runs)))
        for (date, exchange), run in runs
    ]


def _missing(run: Sequence[DayFacts]) -> list[dt.date]:
    held = {day.date for day in run}
    dates = session_dates(run[0].date, run[-1].date, run[0].exchange)
    return [date for date in dates if date not in held]


@lru_cache(maxsize=64)
def session_dates(first: dt.date, last: dt.date, exchange: str = NEW_YORK_STOCKS) -> list[dt.date]:
    return [day.date for day in calendar_of(exchange).trading_days(first, last)]


def evident_holes(ledgers: Sequence[str]) -> list[int]:
    """Minutes that all symbols lack and that chance does not explain.

    Two thin funds lack most minutes together without any hole; two hundred stocks do not. The chance is the product
    of the symbols' shares of absent minutes among those that any symbol has.
    """
    if len(ledgers) < 2:
        return []
    letters = np.frombuffer("".join(ledgers).encode(), np.uint8).reshape(len(ledgers), -1)
    without = (letters == ord("A")) | (letters == ord("M"))
    common = without.all(axis=0)
    if common.all():
        return []
    chance = float(np.prod(without[:, ~common].mean(axis=1)))
    return [int(minute) for minute in np.flatnonzero(common)] if chance < CHANCE else []


def _evident(run: Sequence[DayFacts]) -> list[tuple[str, str]]:
    return list(_clock_runs(run[0], evident_holes([day.ledger for day in run])))


def _shared(run: Sequence[DayFacts], days: int) -> list[SharedHole]:
    """Those of the same symbols together."""
    found: dict[tuple[str, ...], list[int]] = {}
    for minute, symbols in shared_holes({day.symbol: day.ledger for day in run}, days).items():
        found.setdefault(tuple(symbols), []).append(minute)
    return [SharedHole(list(_clock_runs(run[0], minutes)), list(symbols)) for symbols, minutes in found.items()]


def _clock_runs(day: DayFacts, minutes: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Minutes in order as the first and the last of each run, by the exchange's clock."""
    opened = day.session.open.astimezone(calendar_of(day.exchange).zone)
    for _, stretch in groupby(enumerate(minutes), lambda pair: pair[1] - pair[0]):
        held = [minute for _, minute in stretch]
        first, last = (opened + dt.timedelta(minutes=minute) for minute in (held[0], held[-1]))
        yield f"{first:%H:%M}", f"{last:%H:%M}"
