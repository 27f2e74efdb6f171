"""Days with holes, and providers that have what is missing."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence

import numpy as np

from marketdata import store
from marketdata.calendar import TradingDay, session_date_of
from marketdata.columns import BarColumns
from marketdata.errors import ProviderFailed
from marketdata.models import Dataset
from marketdata.providers.base import BarsAnswer, DatasetSpec, NoDataExists, Rows
from marketdata.providers.fetching import origin_of
from marketdata.providers.together import Ahead
from marketdata.store import LoadedDay, NewDay
from sessions.models import Run, Session, State
from streaming.engine.days import loading
from streaming.engine.days.recipe import Recipe
from streaming.engine.records import journal, journal_writing
from streaming.starts import service
from streaming.starts.request import StartRequest

NOW = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)


Days = dict[str, LoadedDay]


class Archive:
    """Has the days that a test gives it; fails, answers with less, or knows nothing when asked to."""

    label = "start"
    dataset = DatasetSpec("holed", "holed")
    days: dict[tuple[str, dt.date], BarColumns] = {}
    spoil: Callable[[BarColumns], BarColumns] | None = None
    failing = False
    asked = 0

    def __init__(self, name: str, authoritative: bool) -> None:
        self.name, self.authoritative = name, authoritative

    def fetch_bars(self, symbol: str, start: dt.datetime, end: dt.datetime, interval: str = "1m") -> BarsAnswer:
        Archive.asked += 1
        if Archive.failing:
            raise ProviderFailed(f"{self.name} answered 503")
        bars = Archive.days.get((symbol, session_date_of(start)))
        if bars is None:
            return NoDataExists("never listed")
        bars = Archive.spoil(bars) if Archive.spoil else bars
        return Rows(bars.offset + round(start.timestamp()), bars)


class Library(Archive):
    """Takes questions about seven symbols at once; of the ones that it lacks it says nothing."""

    symbols_per_question = 7

    def fetch_many(self, symbols: Sequence[str], start: dt.datetime, end: dt.datetime) -> Ahead:
        answers = {symbol: self.fetch_bars(symbol, start, end) for symbol in symbols}
        Archive.asked -= len(symbols) - 1
        return {symbol: answer for symbol, answer in answers.items() if isinstance(answer, Rows)}


def the_days(dataset: str, date: dt.date, symbols: list[str]) -> Days:
    return store.load_day(Dataset.objects.get(name=dataset).pk, date, symbols)


def holes(rng: random.Random, originals: Days, minutes: int) -> dict[str, set[int]]:
    """Single minutes, runs, both ends, nearly everything, nothing, and one minute that no symbol has."""
    everywhere = rng.randrange(1, minutes - 1)
    found = {}
    for symbol in originals:
        low = rng.randrange(minutes)
        kinds = [
            {rng.randrange(minutes) for _ in range(rng.randrange(1, 9))},
            set(range(low, min(minutes, low + rng.randrange(2, 60)))),
            {0},
            {minutes - 1},
            {0, 1, 2, minutes - 2, minutes - 1},
            set(range(1, minutes - 1)),
            set(),
        ]
        found[symbol] = rng.choice(kinds) | {everywhere}
    return found


def a_holed_session(originals: Days, day: TradingDay, provider: str, missing: dict[str, set[int]]) -> Session:
    """A session at its day's close, whose stored days lack those minutes, as their provider gave them."""
    dataset = Dataset.objects.create(name="holed", source="holed", provider=provider)
    new = []
    for symbol, original in originals.items():
        Archive.days[symbol, day.date] = original.bars
        kept = original.bars.take(~np.isin(original.bars.offset // 60, sorted(missing[symbol])))
        new.append(NewDay(original.instrument_id, day.date, kept, origin=origin_of(provider)))
    store.write_days(dataset.pk, new)
    row = service.create(StartRequest(tuple(originals), day.date, dataset="holed"))
    journal_writing.append(row.pk, "start", {"symbols": list(originals), "generation": 1})
    loading.pin(Recipe.of(row), journal.read(row.pk, day.date), day.date, list(originals), epoch=0)
    Session.objects.filter(pk=row.pk).update(state=State.RUNNING)
    Run.objects.filter(pk=row.pk).update(clock=day.close)
    row.refresh_from_db()
    return row


def stored(session: Session) -> Days:
    """The store's newest version of every symbol's day."""
    return store.load_day(session.dataset_id, session.start_date, sorted({symbol for symbol, _ in Archive.days}))


def right_ledger(original: LoadedDay, missing: set[int], minutes: int) -> str:
    traded = set((original.bars.offset // 60).tolist())
    return "".join("N" if minute not in traded else "F" if minute in missing else "T" for minute in range(minutes))
