"""Holes of every kind in real days: what an authoritative filler makes of them, and what no other may."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.core.management import call_command

from marketdata import store
from marketdata.calendar import trading_day
from marketdata.columns import BarColumns
from marketdata.derive import derive
from marketdata.intervals import DAY as DAY_WIDTH
from marketdata.models import Dataset, DayVersion, FetchAttempt
from marketdata.providers.base import get_provider
from marketdata.store import NewDay
from sessions.models import Run
from streaming.upkeep import rounds
from tests.streaming.archives import NOW, Archive, Days, Library, a_holed_session, holes, right_ledger, stored, the_days

pytestmark = pytest.mark.django_db


HALF, THIN = dt.date(2025, 7, 3), dt.date(2018, 2, 23)


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
def thin(market_data: Any) -> Days:
    """Forty of the symbols of 2018-02-23, the thinnest among them."""
    file = market_data / "universe" / "us284_2018" / "2018-02-23_1min.parquet"
    call_command("import_bars", str(file), dataset="us284_2018", verbosity=0)
    counted = DayVersion.objects.regular().filter(date=THIN).order_by("row_count")
    return the_days("us284_2018", THIN, list(counted.values_list("instrument__symbol", flat=True)[:40]))


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
