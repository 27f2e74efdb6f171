"""Holes of every kind in real days: what an authoritative filler makes of them, and what no other may."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from marketdata import store
from marketdata.calendar import TradingDay, session_date_of, trading_day
from marketdata.columns import BarColumns
from marketdata.derive import derive
from marketdata.errors import ProviderFailed
from marketdata.intervals import DAY as DAY_WIDTH
from marketdata.models import Dataset, DayVersion, FetchAttempt
from marketdata.providers.base import BarsAnswer, DatasetSpec, NoDataExists, Rows, get_provider
from marketdata.providers.fetching import origin_of
from marketdata.providers.together import Ahead
from marketdata.store import LoadedDay, NewDay
from sessions.models import Run, Session, State
from streaming.engine.days import loading
from streaming.engine.days.recipe import Recipe
from streaming.engine.records import journal
from streaming.starts import service
from streaming.starts.request import StartRequest
from streaming.upkeep import rounds

pytestmark = pytest.mark.django_db
HALF, THIN = dt.date(2025, 7, 3), dt.date(2018, 2, 23)
NOW = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
Days = dict[str, LoadedDay]


class Archive:
    """Has the days that a test gives it; fails, answers with less, or knows nothing when told to."""

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


@pytest.fixture(autouse=True)
def archives(settings: Any) -> Iterator[None]:
    """`archive` and `library` declare themselves authoritative, `echo` does not."""
    backend = f"{__name__}.Archive"
    settings.MARKETDATA_PROVIDERS = {
        "archive": {"BACKEND": backend, "OPTIONS": {"authoritative": True}},
        "library": {"BACKEND": f"{__name__}.Library", "OPTIONS": {"authoritative": True}},
        "echo": {"BACKEND": backend, "OPTIONS": {"authoritative": False}},
    }
    get_provider.cache_clear()
    Archive.days, Archive.spoil, Archive.failing, Archive.asked = {}, None, False, 0
    yield
    get_provider.cache_clear()


@pytest.fixture
def half(market_data: Any) -> Days:
    """The half day of 2025-07-03: AAPL, IBM and MSFT, every minute traded."""
    call_command("import_bars", str(market_data / "bars" / "exthours_2025"), verbosity=0)
    return the_days("exthours_2025", HALF, ["AAPL", "IBM", "MSFT"])


@pytest.fixture
def thin(shared_data: Any) -> Days:
    """Forty of the 284 symbols of 2018-02-23, the thinnest among them."""
    file = shared_data / "universe" / "us284_2018" / "2018-02-23_1min.parquet"
    call_command("import_bars", str(file), dataset="us284_2018", verbosity=0)
    counted = DayVersion.objects.regular().filter(date=THIN).order_by("row_count")
    return the_days("us284_2018", THIN, list(counted.values_list("instrument__symbol", flat=True)[:40]))


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
    journal.append(row.pk, "start", {"symbols": list(originals), "generation": 1})
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


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("which", ["half", "thin"])
@pytest.mark.parametrize("provider", ["archive", "library"], ids=["one by one", "many at once"])
def test_holes_of_every_kind_are_refilled_none_is_invented_and_every_letter_is_right(
    request: pytest.FixtureRequest, provider: str, which: str, seed: int
) -> None:
    originals: Days = request.getfixturevalue(which)
    day = trading_day(HALF if which == "half" else THIN)
    missing = holes(random.Random(seed), originals, day.minutes)
    session = a_holed_session(originals, day, provider, missing)
    rounds.run_one(session.pk, NOW)
    lacking = sum(1 for symbol in originals if missing[symbol] or len(originals[symbol].bars) < day.minutes)
    assert Archive.asked == (lacking if provider == "archive" else -(-lacking // Library.symbols_per_question))
    for symbol, now in stored(session).items():
        assert now.bars.content_hash() == originals[symbol].bars.content_hash(), symbol
        assert now.ledger == right_ledger(originals[symbol], missing[symbol], day.minutes), symbol
        traded = set((originals[symbol].bars.offset // 60).tolist())
        assert now.version == (2 if missing[symbol] & traded else 1), "a filled day is a new version"
    asked = Archive.asked
    rounds.run_one(session.pk, NOW + dt.timedelta(days=1))
    assert Archive.asked == asked, "nothing is left to be asked for"


@pytest.mark.parametrize("which", ["half", "thin"])
def test_from_a_source_that_is_not_authoritative_every_absent_minute_stays_absent(
    request: pytest.FixtureRequest, which: str
) -> None:
    originals: Days = request.getfixturevalue(which)
    day = trading_day(HALF if which == "half" else THIN)
    missing = holes(random.Random(7), originals, day.minutes)
    session = a_holed_session(originals, day, "echo", missing)
    before = stored(session)
    rounds.run_one(session.pk, NOW)
    for symbol, now in stored(session).items():
        assert (now.version, now.ledger) == (1, before[symbol].ledger)
        assert set(now.ledger) <= {"T", "A"}
        assert [i for i, letter in enumerate(now.ledger) if letter == "T"] == (now.bars.offset // 60).tolist()


def test_of_many_asked_at_once_each_has_its_own_outcome(half: Days) -> None:
    missing = {"AAPL": {9}, "IBM": {9}, "MSFT": {9}}
    session = a_holed_session(half, trading_day(HALF), "library", missing)
    Archive.days["AAPL", HALF] = Archive.days["AAPL", HALF].take(slice(0, 50))
    del Archive.days["MSFT", HALF]
    rounds.run_one(session.pk, NOW)
    outcomes = dict(FetchAttempt.objects.values_list("instrument__symbol", "outcome"))
    assert outcomes == {"AAPL": "failed", "IBM": "rows", "MSFT": "no_data"}
    ledgers = store.load_day(session.dataset_id, HALF, ["AAPL", "IBM", "MSFT"])
    assert [ledgers[symbol].ledger[9] for symbol in ("AAPL", "IBM", "MSFT")] == ["M", "F", "A"]


def test_another_filler_may_be_named_for_a_dataset(half: Days) -> None:
    missing = {symbol: {5, 6, 7} for symbol in half}
    session = a_holed_session(half, trading_day(HALF), "echo", missing)
    Dataset.objects.filter(name="holed").update(filler="archive")
    rounds.run_one(session.pk, NOW)
    now = stored(session)["AAPL"]
    assert now.ledger == "T" * 5 + "FFF" + "T" * 202
    assert DayVersion.objects.get(pk=now.id).origin == "provider echo, filled by archive"
    event = session.events.get(kind="refill")
    assert event.data["filled"] == {"AAPL": 3, "IBM": 3, "MSFT": 3}


def test_a_failing_filler_is_asked_five_times_with_growing_pauses_and_the_minutes_are_missing(half: Days) -> None:
    session = a_holed_session(half, trading_day(HALF), "archive", {symbol: {9} for symbol in half})
    Archive.failing = True
    pauses = []
    at, asked = NOW, 0
    for minute in range(60 * 24):
        at = NOW + dt.timedelta(minutes=minute)
        rounds.run_one(session.pk, at)
        if Archive.asked > asked:
            pauses.append(minute)
            asked = Archive.asked
        if minute > 20:
            break
    assert pauses == [0, 1, 3, 7, 15], "minutes after the first"
    assert Archive.asked == 5 * 3
    assert stored(session)["AAPL"].ledger == "T" * 9 + "M" + "T" * 200
    attempt = FetchAttempt.objects.get(instrument__symbol="AAPL")
    assert (attempt.attempts, attempt.outcome, attempt.reason) == (5, "failed", "archive answered 503")


def test_a_missing_minute_is_filled_once_the_filler_is_back(half: Days) -> None:
    session = a_holed_session(half, trading_day(HALF), "archive", {symbol: {9} for symbol in half})
    Archive.failing = True
    rounds.run_one(session.pk, NOW)
    Archive.failing = False
    rounds.run_one(session.pk, NOW + dt.timedelta(minutes=2))
    assert stored(session)["MSFT"].ledger == "T" * 9 + "F" + "T" * 200


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda bars: bars.take(slice(0, 100)), id="cut in the middle"),
        pytest.param(lambda bars: bars.take(slice(100, None)), id="without its beginning"),
        pytest.param(lambda bars: bars.take(bars.offset // 60 != 50), id="without one minute that it gave before"),
    ],
)
def test_an_answer_with_less_than_the_source_gave_before_is_truncated_and_proves_nothing(
    half: Days, spoil: Callable[[BarColumns], BarColumns]
) -> None:
    session = a_holed_session(half, trading_day(HALF), "archive", {symbol: {9, 150} for symbol in half})
    Archive.spoil = staticmethod(spoil)  # type: ignore[assignment]
    rounds.run_one(session.pk, NOW)
    now = stored(session)["AAPL"]
    assert (now.version, now.ledger[9], now.ledger[150], now.ledger.count("M")) == (1, "M", "M", 2)
    assert "of the minutes that it gave before" in FetchAttempt.objects.get(instrument__symbol="AAPL").reason


def test_a_filler_that_has_nothing_of_the_day_changes_nothing(half: Days) -> None:
    session = a_holed_session(half, trading_day(HALF), "archive", {symbol: {9} for symbol in half})
    Archive.days = {}
    rounds.run_one(session.pk, NOW)
    now = store.load_day(session.dataset_id, HALF, ["AAPL"])["AAPL"]
    assert now.ledger == "T" * 9 + "A" + "T" * 200
    assert FetchAttempt.objects.get(instrument__symbol="AAPL").outcome == "no_data"


def test_a_minute_that_is_not_over_yet_is_not_asked_for(half: Days) -> None:
    session = a_holed_session(half, trading_day(HALF), "archive", {symbol: {100} for symbol in half} | {"IBM": {20}})
    Run.objects.filter(pk=session.pk).update(clock=trading_day(HALF).open + dt.timedelta(minutes=60))
    rounds.run_one(session.pk, NOW)
    assert stored(session)["AAPL"].version == 1
    assert stored(session)["IBM"].version == 2
    assert session.events.get(kind="refill").data["filled"] == {"IBM": 1}


def test_a_minute_absent_in_all_symbols_is_reported_as_a_hole_in_the_feed(half: Days) -> None:
    session = a_holed_session(half, trading_day(HALF), "echo", {symbol: {30, 31} for symbol in half})
    rounds.run_one(session.pk, NOW)
    event = session.events.get(kind="gaps")
    assert event.data["feed_holes"] == [30, 31]
    assert "2 minutes absent in all of them (a hole in the feed)" in event.message


def test_a_filled_day_is_announced_to_the_session_that_plays_it(half: Days) -> None:
    session = a_holed_session(half, trading_day(HALF), "archive", {"AAPL": {9}, "IBM": set(), "MSFT": set()})
    rounds.run_one(session.pk, NOW)
    event = session.events.get(kind="day_ready")
    assert event.message == "2025-07-03: AAPL version 2 in the store"
    assert event.data["days"] == {"AAPL": {"id": stored(session)["AAPL"].id, "version": 2}}
    before = session.control_version
    session.refresh_from_db()
    assert session.control_version == before + 1, "its worker looks at the row"
    rounds.run_one(session.pk, NOW)
    assert session.events.filter(kind="day_ready").count() == 1


def test_minutes_that_do_not_add_up_to_the_daily_bar_are_reported_and_are_no_gap(half: Days) -> None:
    session = a_holed_session(half, trading_day(HALF), "echo", {symbol: set() for symbol in half})
    right, wrong = (derive(half[symbol].bars, 210, DAY_WIDTH).columns for symbol in ("AAPL", "MSFT"))
    wrong = replace(wrong, high=wrong.high + 1)
    daily = [
        NewDay(half[symbol].instrument_id, HALF, bars, interval="1d", origin="provider echo")
        for symbol, bars in (("AAPL", right), ("MSFT", wrong))
    ]
    store.write_days(session.dataset_id, daily)
    rounds.run_one(session.pk, NOW)
    event = session.events.get(kind="gaps")
    high = float(half["MSFT"].bars.high.max())
    assert event.data["daily"] == {"MSFT": {"high": [high, high + 1]}}
    assert "the minutes of MSFT do not add up to the daily bar" in event.message
    assert event.data["absent"] == {}
