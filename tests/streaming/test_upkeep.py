"""Upkeep: what it finds, keeps and prefetches, and that doing it again does nothing."""

from __future__ import annotations

import datetime as dt

import pytest

from marketdata import store
from marketdata.derive import derive
from marketdata.models import Dataset, DayVersion
from sessions.models import ActiveStream, Run, Session, State
from streaming.engine.days import loading
from streaming.engine.days.recipe import Recipe
from streaming.engine.records import journal, journal_writing
from streaming.starts import service
from streaming.starts.request import StartRequest
from streaming.upkeep import rounds

pytestmark = pytest.mark.django_db
HALF, NEXT = dt.date(2025, 7, 3), dt.date(2025, 7, 7)


@pytest.fixture
def session() -> Session:
    """AAPL and the thinner XYZ from the half day to the Monday after the holiday."""
    row = service.create(StartRequest(("AAPL", "XYZ"), HALF, NEXT, provider="synthetic"))
    journal_writing.append(row.pk, "start", {"symbols": ["AAPL", "XYZ"], "generation": 1})
    loading.pin(Recipe.of(row), journal.read(row.pk, HALF), HALF, ["AAPL", "XYZ"], epoch=0)
    ActiveStream.objects.filter(session=row).update(active=True)
    return row


def at(session: Session, hour: int, minute: int) -> None:
    clock = dt.datetime(2025, 7, 3, hour, minute, tzinfo=dt.UTC)
    Session.objects.filter(pk=session.pk).update(state=State.RUNNING)
    Run.objects.filter(pk=session.pk).update(clock=clock)
    rounds.run_one(session.pk)


def kinds(session: Session) -> list[str]:
    return list(session.events.exclude(kind__in=("state", "refill")).order_by("id").values_list("kind", flat=True))


def test_quality_is_of_the_minutes_that_are_over(session: Session) -> None:
    at(session, 14, 0)
    streams = {stream.instrument.symbol: stream.quality for stream in session.streams.select_related("instrument")}
    assert streams["AAPL"] == 1.0
    ledger = store.load_day(session.dataset_id, HALF, ["XYZ"])["XYZ"].ledger
    assert streams["XYZ"] == sum(ledger[:30].count(letter) for letter in "TN") / 30


def test_the_next_day_is_prefetched_from_half_an_hour_before_that_days_own_close(session: Session) -> None:
    at(session, 16, 29)
    assert not DayVersion.objects.filter(date=NEXT).exists()
    at(session, 16, 30)
    assert store.have(session.dataset_id, NEXT, ["AAPL", "XYZ"]) == {"AAPL", "XYZ"}
    assert kinds(session) == ["prefetch"]
    at(session, 16, 31)
    assert kinds(session) == ["prefetch"], "a second round has nothing to do"


def test_a_day_that_is_over_gets_its_gaps_reported_and_its_derived_bars_stored(session: Session) -> None:
    Dataset.objects.update(provider="")
    stored = store.load_day(session.dataset_id, HALF, ["AAPL", "XYZ"])
    at(session, 17, 0)
    event = session.events.get(kind="gaps")
    assert event.data["absent"] == {"XYZ": stored["XYZ"].ledger.count("A")}
    for interval, width in (("5m", 5), ("15m", 15)):
        kept = store.load_day(session.dataset_id, HALF, ["XYZ"], interval=interval)["XYZ"]
        assert kept.bars.content_hash() == derive(stored["XYZ"].bars, 210, width).columns.content_hash()
    count = DayVersion.objects.count()
    at(session, 17, 0)
    assert DayVersion.objects.count() == count


def test_nothing_is_done_before_the_first_frame(session: Session) -> None:
    rounds.run_one(session.pk)
    assert kinds(session) == []
