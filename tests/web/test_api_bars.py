"""Bars at two addresses: a session's ends at its clock, the store's shows all to whoever may see it."""

from __future__ import annotations

import datetime as dt

import pytest
from rest_framework.test import APIClient

from marketdata.api import bars_view as bars_view
from marketdata.models import Scope
from tests.streaming.callers import ALL, assert_problem, log_in
from tests.streaming.rows import DAY, a_dataset, a_day, a_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> APIClient:
    return log_in(*ALL)


# --- the session's: nothing from after the clock -------------------------------------------------


def test_the_session_ends_at_the_clock(client: APIClient) -> None:
    session = a_session(minutes=30)
    body = client.get(f"/api/sessions/{session.pk}/bars/?symbol=aapl").json()
    assert body["clock"] == "2024-11-18T15:00:00Z"
    assert len(body["bars"]) == 30
    assert body["bars"][0]["start"] == "2024-11-18T14:30:00Z"
    assert body["bars"][0]["volume"] is None
    assert max(bar["end"] for bar in body["bars"]) == body["clock"]


def test_the_session_shows_derived_bars_only_when_over(client: APIClient) -> None:
    session = a_session(minutes=29)
    body = client.get(f"/api/sessions/{session.pk}/bars/?symbol=AAPL&interval=15m").json()
    assert [bar["end"] for bar in body["bars"]] == ["2024-11-18T14:45:00Z"]


def test_the_session_gives_the_latest_within_the_limit(client: APIClient) -> None:
    session = a_session(minutes=30)
    bars = client.get(f"/api/sessions/{session.pk}/bars/?symbol=AAPL&limit=2").json()["bars"]
    assert [bar["start"] for bar in bars] == ["2024-11-18T14:58:00Z", "2024-11-18T14:59:00Z"]


def test_the_session_is_empty_before_the_first_frame(client: APIClient) -> None:
    session = a_session(clock=None, frame_id="")
    body = client.get(f"/api/sessions/{session.pk}/bars/?symbol=AAPL").json()
    assert (body["clock"], body["bars"]) == (None, [])


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        pytest.param("", "symbol", ["required"], id="no symbol"),
        pytest.param("symbol=TSLA", "symbol", ["TSLA", "AAPL, MSFT"], id="foreign symbol"),
        pytest.param("symbol=AAPL&interval=1h", "interval", ["1h", "1m, 5m, 15m"], id="interval not derived"),
        pytest.param("symbol=AAPL&limit=0", "limit", ["1"], id="limit"),
        pytest.param("symbol=AAPL&clock=2024-11-18T20:00:00Z", "clock", ["'clock'"], id="a clock of one's own"),
    ],
)
def test_the_session_refuses(client: APIClient, query: str, field: str, words: list[str]) -> None:
    session = a_session("AAPL", "MSFT")
    body = assert_problem(client.get(f"/api/sessions/{session.pk}/bars/?{query}"), 400, *words)
    assert body["errors"][0]["field"] == field


# --- the store --------------------------------------------------------------------------------


def test_the_store_needs_its_own_permission() -> None:
    a_day()
    client = log_in("view_session", "add_session", "change_session")
    assert_problem(client.get("/api/bars/?symbol=AAPL"), 403, "marketdata.view_bar")


def test_the_store_gives_the_latest_day(client: APIClient) -> None:
    a_day(date=dt.date(2024, 11, 15))
    a_day()
    body = client.get("/api/bars/?symbol=aapl").json()
    assert (body["dataset"], body["synthetic"], body["count"]) == ("paper", False, 390)
    assert body["bars"][0] == {
        "start": "2024-11-18T14:30:00Z",
        "end": "2024-11-18T14:31:00Z",
        **{"open": 100.0, "high": 100.01, "low": 99.99, "close": 100.0},
        **{"volume": None, "trade_count": None, "vwap": None},
    }
    assert body["bars"][-1]["end"] == "2024-11-18T21:00:00Z"


@pytest.mark.parametrize(
    ("window", "count"),
    [
        pytest.param("start=2024-11-15&end=2024-11-18", 780, id="dates, both included"),
        pytest.param("start=2024-11-18", 390, id="from a date"),
        pytest.param("end=2024-11-15", 390, id="up to a date"),
        pytest.param("start=2024-11-18T14:30:00Z&end=2024-11-18T14:40:00Z", 10, id="moments, end excluded"),
        pytest.param("start=2024-11-18T09:30:00-05:00&end=2024-11-18T15:00:00Z", 30, id="with an offset"),
        pytest.param("start=2024-11-16&end=2024-11-17", 0, id="a weekend"),
    ],
)
def test_the_store_cuts_the_window(client: APIClient, window: str, count: int) -> None:
    a_day(date=dt.date(2024, 11, 15))
    a_day()
    answer = client.get(f"/api/bars/?symbol=AAPL&{window.replace('+', '%2B')}")
    assert answer.json()["count"] == count


def test_the_store_prefers_real_data(client: APIClient) -> None:
    for date in (dt.date(2024, 11, 15), DAY):
        a_day(date=date, dataset=a_dataset("made", synthetic=True))
    a_day()
    assert client.get("/api/bars/?symbol=AAPL").json()["dataset"] == "paper"
    assert client.get("/api/bars/?symbol=AAPL&dataset=made").json()["synthetic"] is True
    only_made = client.get("/api/bars/?symbol=AAPL&start=2024-11-15&end=2024-11-15").json()
    assert (only_made["dataset"], only_made["count"]) == ("made", 390)


def test_the_store_keeps_extended_hours_apart(client: APIClient) -> None:
    a_day()
    a_day(scope=Scope.EXTENDED)
    assert client.get("/api/bars/?symbol=AAPL").json()["count"] == 390
    assert client.get("/api/bars/?symbol=AAPL&scope=extended").json()["count"] == 390


def test_the_store_has_a_cap_and_says_so(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bars_view, "MOST_BARS", 100)
    a_day()
    assert_problem(client.get("/api/bars/?symbol=AAPL"), 400, "390", "100")


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        pytest.param("", "symbol", ["required"], id="no symbol"),
        pytest.param("symbol=NOPE", "symbol", ["NOPE"], id="unknown symbol"),
        pytest.param("symbol=AAPL&interval=7x", "interval", ["'7x'"], id="interval"),
        pytest.param("symbol=AAPL&dataset=gold", "dataset", ["'gold'", "paper"], id="dataset"),
        pytest.param("symbol=AAPL&start=monday", "start", ["'monday'", "2024-11-18"], id="no date"),
        pytest.param("symbol=AAPL&start=2024-13-01", "start", ["'2024-13-01'", "month"], id="no such month"),
        pytest.param("symbol=AAPL&start=2024-11-18T14:30:00", "start", ["offset", "Z"], id="no offset"),
        pytest.param("symbol=AAPL&start=2024-11-18&end=2024-11-15", "end", ["2024-11-15"], id="backwards"),
        pytest.param("symbol=AAPL&symbl=MSFT", "symbl", ["'symbl'"], id="misspelled"),
    ],
)
def test_the_store_refuses(client: APIClient, query: str, field: str, words: list[str]) -> None:
    a_day()
    body = assert_problem(client.get(f"/api/bars/?{query}"), 400, *words)
    assert body["errors"][0]["field"] == field
