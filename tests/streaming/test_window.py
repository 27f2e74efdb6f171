"""Windows of several days whose next day is late, fails or does not exist."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command

from marketdata.providers.base import get_provider
from sessions import control
from sessions.models import Session, State
from streaming.engine.days import held_days
from streaming.engine.playing.player import Player
from streaming.starts import service
from streaming.starts.request import StartRequest
from tests.streaming.playing import durable, read_all, utc, wait_until
from tests.streaming.weather import CLOSED, Weather

FIRST, SECOND = dt.date(2025, 7, 1), dt.date(2025, 7, 2)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def weather(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Weather]]:
    settings.MARKETDATA_PROVIDERS = {"weather": {"BACKEND": "tests.streaming.weather.Weather"}}
    monkeypatch.setattr(held_days, "RETRY_WAIT", 0.05)
    monkeypatch.setattr(Weather, "fails", {})
    monkeypatch.setattr(Weather, "empty", set())
    get_provider.cache_clear()
    yield Weather
    get_provider.cache_clear()


def start(**options: Any) -> Session:
    return service.start(StartRequest(("AAPL",), FIRST, SECOND, provider="weather", **options)).session


def test_a_rollover_waits_for_a_day_that_comes_late_and_says_so(player: Player, weather: type[Weather]) -> None:
    weather.fails[SECOND] = 2
    session = start(speed=0.0)
    wait_until(session, lambda s: not s.is_live)
    assert session.state == State.COMPLETED
    reported = list(session.events.filter(kind="waiting").order_by("pk").values_list("message", flat=True))
    assert reported == [f"{SECOND}: weather answered 503 for AAPL (try {n} of 5)" for n in (1, 2)]
    assert len(durable(read_all(session.pk))) == 391 + 391
    assert session.reason == ""


def test_a_provider_that_stays_away_fails_the_session_with_its_answer(player: Player, weather: type[Weather]) -> None:
    weather.fails[SECOND] = CLOSED
    session = start(speed=0.0)
    wait_until(session, lambda s: not s.is_live)
    assert session.state == State.FAILED
    assert "weather answered 503 for AAPL" in session.reason
    assert len(durable(read_all(session.pk))) == 391, "the day before is whole"


def test_a_day_that_does_not_exist_fails_the_session_with_the_reason(player: Player, weather: type[Weather]) -> None:
    weather.empty.add(SECOND)
    session = start(speed=0.0)
    wait_until(session, lambda s: not s.is_live)
    assert session.state == State.FAILED
    assert "AAPL" in session.reason and str(SECOND) in session.reason


def test_a_waiting_rollover_can_be_paused_and_stopped(player: Player, weather: type[Weather]) -> None:
    weather.fails[SECOND] = CLOSED
    session = start(speed=0.0)
    wait_until(session, lambda s: s.reason and s.events.filter(kind="waiting").exists())
    control.stop(session.pk)
    wait_until(session, lambda s: s.state == State.STOPPED)


def test_a_seek_back_from_a_waiting_rollover_stays_in_its_day(player: Player, weather: type[Weather]) -> None:
    weather.fails[SECOND] = 2
    session = start(speed=0.0)
    wait_until(session, lambda s: s.events.filter(kind="waiting").exists())
    control.set_speed(session.pk, 60.0)
    control.seek(session.pk, utc(1, 15))
    wait_until(session, lambda s: s.run.generation == 2 and s.run.clock > utc(1, 15))
    assert session.run.clock < utc(1, 15, 30)
    control.set_speed(session.pk, 0.0)
    wait_until(session, lambda s: not s.is_live)
    assert session.state == State.COMPLETED
    call_command("verify_session", session.pk)


def test_a_seek_to_a_day_that_cannot_be_had_stays_where_it_is(player: Player, weather: type[Weather]) -> None:
    weather.empty.add(SECOND)
    session = start(speed=60.0)
    wait_until(session, lambda s: s.run.clock)
    control.seek(session.pk, utc(2, 15))
    wait_until(session, lambda s: s.events.filter(kind="seek", level="error").exists())
    clock = session.run.clock
    assert clock is not None
    wait_until(session, lambda s: s.run.clock > clock)
    assert (session.run.generation, session.seek_to, session.state) == (1, None, State.RUNNING)


def test_a_symbol_that_cannot_be_had_is_not_added_and_the_session_goes_on(
    player: Player, weather: type[Weather]
) -> None:
    session = start(speed=60.0)
    control.add_symbols(session.pk, ["NOT-A-TICKER"])
    wait_until(session, lambda s: s.events.filter(kind="stream", level="error").exists())
    event = session.events.filter(kind="stream", level="error").get()
    assert "NOT-A-TICKER not added" in event.message
    assert (session.symbols(), session.state) == (["AAPL"], State.RUNNING)
