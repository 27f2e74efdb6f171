"""Providers that are broken or never answer: what they cost is their own, and it is said where people look."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection

from marketdata import calendar, store
from marketdata.errors import ProviderFailed
from marketdata.locks import Locks
from marketdata.models import Dataset, DayVersion, FetchAttempt
from marketdata.providers import asking, fetching
from marketdata.providers.base import BarsAnswer, DatasetSpec, get_provider
from sessions.models import Run, ServiceHeartbeat, Session, State
from streaming.engine.days import loading
from streaming.engine.days.recipe import Recipe
from streaming.engine.records import journal, journal_writing
from streaming.starts import service
from streaming.starts.request import StartRequest
from streaming.status import system_status
from streaming.upkeep import day_work, rounds

pytestmark = pytest.mark.django_db
HALF, NEXT = dt.date(2025, 7, 3), dt.date(2025, 7, 7)
CLOSE_TO_THE_END = dt.datetime(2025, 7, 3, 16, 45, tzinfo=dt.UTC)


class Broken:
    """What it does is chosen by its name."""

    label = "start"
    authoritative = True
    leave = threading.Event()
    asked = 0

    def __init__(self, name: str) -> None:
        if name == "unmakeable":
            raise RuntimeError("no license")
        self.name, self.dataset = name, DatasetSpec(name, name)

    def fetch_bars(self, symbol: str, start: dt.datetime, end: dt.datetime, interval: str = "1m") -> BarsAnswer:
        Broken.asked += 1
        if self.name == "hanging":
            Broken.leave.wait(60)
        raise ZeroDivisionError("float division by zero")


@pytest.fixture(autouse=True)
def providers(settings: Any) -> Iterator[None]:
    backend = {"BACKEND": f"{__name__}.Broken"}
    broken = dict.fromkeys(("defect", "hanging", "unmakeable"), backend)
    settings.MARKETDATA_PROVIDERS = {**settings.MARKETDATA_PROVIDERS, **broken}
    settings.PROVIDER_DEADLINE = 0.3
    get_provider.cache_clear()
    asking.forget_troubles()
    Broken.asked = 0
    Broken.leave.clear()
    yield
    Broken.leave.set()
    get_provider.cache_clear()
    asking.forget_troubles()


def a_session(provider: str) -> Session:
    """Near the end of a day, so that the next day's data is due; played from synthetic bars."""
    row = service.create(StartRequest(("AAPL",), HALF, NEXT, provider="synthetic"))
    journal_writing.append(row.pk, "start", {"symbols": ["AAPL"], "generation": 1})
    loading.pin(Recipe.of(row), journal.read(row.pk, HALF), HALF, ["AAPL"], epoch=0)
    row.streams.update(active=True)
    Session.objects.filter(pk=row.pk).update(state=State.RUNNING, provider=provider)
    Run.objects.filter(pk=row.pk).update(clock=CLOSE_TO_THE_END)
    return row


def a_dataset_of(provider: str) -> Dataset:
    return Dataset.objects.create(name=provider, source=provider, provider=provider)


@pytest.mark.parametrize("provider", ["defect", "hanging", "unmakeable"])
def test_upkeep_of_the_other_sessions_goes_on_and_the_reason_is_an_event(provider: str) -> None:
    broken, sound = a_session(provider), a_session("synthetic")
    Session.objects.filter(pk=broken.pk).update(dataset=a_dataset_of(provider))
    rounds.run()
    assert sound.events.filter(kind="prefetch").exists()
    messages = " ".join(broken.events.filter(level="warning").values_list("message", flat=True))
    assert provider in messages


def test_a_session_whose_row_is_broken_does_not_stop_the_others() -> None:
    broken, sound = a_session("synthetic"), a_session("synthetic")
    Run.objects.filter(pk=broken.pk).update(clock=dt.datetime(1850, 1, 1, tzinfo=dt.UTC))
    rounds.run()
    assert sound.events.filter(kind="prefetch").exists()
    assert broken.events.filter(kind="upkeep_failed").count() == 1
    rounds.run()
    assert broken.events.filter(kind="upkeep_failed").count() == 1, "the same reason once"
    [problem] = ServiceHeartbeat.objects.get(name="upkeep").detail["problems"]
    assert problem.startswith(f"Upkeep of session {broken.pk} failed: ")
    assert problem in system_status()["problems"]


@pytest.mark.parametrize(
    ("cause", "ends"),
    [
        (psycopg.errors.DeadlockDetected("deadlock detected"), False),
        (psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"), False),
        (psycopg.errors.AdminShutdown("terminating connection"), True),
        (psycopg.OperationalError("server closed the connection unexpectedly"), True),
    ],
)
def test_only_what_the_server_itself_has_ends_a_round(
    monkeypatch: pytest.MonkeyPatch, cause: Exception, ends: bool
) -> None:
    met, sound = a_session("synthetic"), a_session("synthetic")
    due = day_work.due

    def failing(holding: Any) -> bool:
        if holding.session.pk == met.pk:
            raise OperationalError(str(cause)) from cause
        return due(holding)

    monkeypatch.setattr(day_work, "due", failing)
    if ends:
        with pytest.raises(OperationalError):
            rounds.run()
        return
    rounds.run()
    assert sound.events.filter(kind="prefetch").exists()
    assert met.events.get(kind="upkeep_failed").message == str(cause)


def test_streams_are_trimmed_though_cleaning_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    trimmed: list[object] = []

    def fails(*_: object) -> None:
        raise ValueError("a defect")

    monkeypatch.setattr(rounds.retention, "clean_if_due", fails)
    monkeypatch.setattr(rounds.retention, "trim_ended", lambda now, problems: trimmed.append(now))
    rounds.run()
    assert len(trimmed) == 1
    assert ServiceHeartbeat.objects.get(name="upkeep").detail["problems"] == ["Upkeep of retention failed: a defect"]


def test_a_provider_that_hangs_costs_the_deadline_once_and_then_has_a_pause() -> None:
    hanging = get_provider("hanging")
    began = time.monotonic()
    with pytest.raises(ProviderFailed, match=r"hanging did not answer within 0.3 s"):
        asking.ask(hanging, hanging.fetch_bars, "AAPL", CLOSE_TO_THE_END, CLOSE_TO_THE_END)
    with pytest.raises(ProviderFailed, match=r"out of order; it is not asked again before \d\d:\d\d:\d\d UTC"):
        asking.ask(hanging, hanging.fetch_bars, "AAPL", CLOSE_TO_THE_END, CLOSE_TO_THE_END)
    assert time.monotonic() - began < 5
    assert Broken.asked == 1
    assert asking.out_of_order("hanging") and not asking.out_of_order("synthetic")


def test_a_defect_is_a_failure_with_its_text_and_is_kept_like_one() -> None:
    dataset = a_dataset_of("defect")
    with pytest.raises(ProviderFailed, match="defect has a defect: ZeroDivisionError: float division by zero"):
        fetching.ensure_day(dataset, "defect", "AAPL", HALF)
    assert FetchAttempt.objects.get(dataset=dataset).reason.startswith("defect has a defect")


def test_one_that_cannot_be_made_says_why() -> None:
    with pytest.raises(ProviderFailed, match="The provider unmakeable cannot be made: RuntimeError: no license"):
        get_provider("unmakeable")


@pytest.mark.django_db(transaction=True)
def test_nothing_that_others_write_is_locked_while_a_provider_is_asked(settings: Any) -> None:
    """Also when the question about many symbols had answers for some, which are stored by then."""
    held: list[int] = []
    synthetic = get_provider("synthetic")
    ask = type(synthetic).fetch_bars

    class Watched(type(synthetic)):  # type: ignore[misc]
        def fetch_bars(self, *args: Any, **options: Any) -> BarsAnswer:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = %s", [Locks.WRITE]
                )
                held.append(cursor.fetchone()[0])
            return ask(self, *args, **options)

    dataset = Dataset.objects.create(name="watched", source="watched", provider="watched")
    days = [calendar.trading_day(HALF)]
    outcomes = fetching.fetch_together(dataset, Watched("watched"), ["AAPL", "MSFT", "IBM"], days)
    assert held == [0, 0, 0]
    assert all(outcome == {HALF: None} for outcome in outcomes.values())
    assert store.have(dataset.pk, HALF, ["AAPL", "MSFT", "IBM"]) == {"AAPL", "MSFT", "IBM"}
    assert DayVersion.objects.filter(dataset=dataset).count() == 3
