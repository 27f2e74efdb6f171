"""The API: closed by default, one verb a view, every refusal a problem that names the value."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from marketdata import api as store_door
from marketdata import calendar
from marketdata.models import Scope
from sessions.models import Session, State
from sessions.wakeup import connection as redis_connection
from tests.streaming.rows import DAY, a_dataset, a_day, a_session

pytestmark = pytest.mark.django_db
LogIn = Callable[..., APIClient]
ALL = ("view_session", "add_session", "change_session", "view_bar")
OPEN = calendar.trading_day(DAY).open


@pytest.fixture
def log_in() -> LogIn:
    """A client whose user has exactly these permissions."""

    def client(*permissions: str) -> APIClient:
        user = User.objects.create_user(f"user{User.objects.count()}", password="secret")
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = APIClient()
        client.force_authenticate(User.objects.get(pk=user.pk))
        return client

    return client


@pytest.fixture
def client(log_in: LogIn) -> APIClient:
    return log_in(*ALL)


def assert_problem(answer: Any, status: int, *words: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert {"type", "title", "detail"} <= body.keys()
    for word in words:
        assert word in body["detail"]
    return body


# --- who may ---------------------------------------------------------------------------------------

CLOSED = ["status/", "sessions/", "sessions/1/", "sessions/1/streams/", "sessions/1/events/", "sessions/1/bars/"]


@pytest.mark.parametrize("address", [*CLOSED, "bars/", "schema/"])
def test_is_closed_to_strangers(address: str) -> None:
    answer = APIClient().get(f"/api/{address}")
    assert_problem(answer, 401)
    assert answer["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize("address", [*CLOSED, "bars/"])
def test_reading_needs_the_permission_to_view(address: str, log_in: LogIn) -> None:
    assert_problem(log_in().get(f"/api/{address}"), 403)


@pytest.mark.parametrize("verb", ["pause", "resume", "stop", "speed"])
def test_controlling_needs_the_permission_to_change(verb: str, log_in: LogIn) -> None:
    session = a_session()
    assert_problem(log_in("view_session", "add_session").post(f"/api/sessions/{session.pk}/{verb}/"), 403)


def test_starting_needs_the_permission_to_add(log_in: LogIn) -> None:
    assert_problem(log_in("view_session", "change_session").post("/api/sessions/", {"symbols": ["AAPL"]}), 403)


def test_the_store_door_needs_its_own_permission(log_in: LogIn) -> None:
    a_day()
    client = log_in("view_session", "add_session", "change_session")
    assert_problem(client.get("/api/bars/?symbol=AAPL"), 403, "marketdata.view_bar")


def test_a_token_is_given_for_name_and_password(log_in: LogIn) -> None:
    log_in("view_session")
    given = APIClient().post("/api/token/", {"username": "user0", "password": "secret"}, format="json")
    client = APIClient(HTTP_AUTHORIZATION=f"Token {given.json()['token']}")
    assert client.get("/api/sessions/").status_code == 200


def test_a_wrong_password_gets_no_token(log_in: LogIn) -> None:
    log_in()
    answer = APIClient().post("/api/token/", {"username": "user0", "password": "wrong"}, format="json")
    body = assert_problem(answer, 400)
    assert "wrong" not in str(body)


# --- sessions --------------------------------------------------------------------------------------


def test_a_session_shows_state_clock_and_symbols(client: APIClient) -> None:
    session = a_session("MSFT", "AAPL", speed=60)
    body = client.get(f"/api/sessions/{session.pk}/").json()
    assert body["state"] == "running"
    assert body["clock"] == "2024-11-18T15:00:00Z"
    assert body["symbols"] == ["AAPL", "MSFT"]
    assert body["cursor"] == f"1.{session.frame_id}"
    assert body["dataset"] == "paper"
    assert body["speed"] == 60


def test_the_list_is_newest_first_in_cursor_pages(client: APIClient) -> None:
    a_session("AAPL")
    for _ in range(3):
        Session.objects.create(dataset=a_dataset(), start_date=DAY, end_date=DAY)
    first = client.get("/api/sessions/?page_size=3").json()
    second = client.get(first["next"]).json()
    ids = [row["id"] for row in first["results"] + second["results"]]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 4
    assert second["next"] is None


def test_the_list_costs_the_same_for_more_sessions(client: APIClient, django_assert_max_num_queries: Any) -> None:
    for _ in range(20):
        session = Session.objects.create(dataset=a_dataset(), start_date=DAY, end_date=DAY)
        session.record("state", "created")
    with django_assert_max_num_queries(6):
        assert len(client.get("/api/sessions/").json()["results"]) == 20


def test_the_list_is_filtered_by_state(client: APIClient) -> None:
    a_session("AAPL")
    assert client.get("/api/sessions/?state=completed").json()["results"] == []
    assert len(client.get("/api/sessions/?state=running").json()["results"]) == 1
    body = assert_problem(client.get("/api/sessions/?state=asleep"), 400, "asleep")
    assert body["errors"][0]["field"] == "state"


def test_a_session_that_is_not_there_is_a_404_problem(client: APIClient) -> None:
    assert_problem(client.get("/api/sessions/12345678901234567890/"), 404)


def test_an_address_that_is_not_there_is_a_404_problem() -> None:
    assert_problem(APIClient().get("/api/sesions/"), 404, "/api/sesions/", "/api/docs/")


def test_a_post_creates_the_row_and_queues_its_start_after_commit(
    client: APIClient, django_capture_on_commit_callbacks: Any
) -> None:
    a_day("AAPL")
    a_day("MSFT")
    redis_connection().delete("upkeep")
    with django_capture_on_commit_callbacks(execute=True):
        body = {"symbols": ["aapl", "MSFT"], "speed": 60, "name": "both"}
        answer = client.post("/api/sessions/", body, format="json")
        assert redis_connection().llen("upkeep") == 0
    assert answer.status_code == 202, answer.content
    session = Session.objects.get(pk=answer.json()["id"])
    assert (session.state, session.speed, session.name) == (State.CREATED, 60, "both")
    assert session.created_by == "user0"
    assert session.start_date == DAY
    assert redis_connection().llen("upkeep") == 1
    redis_connection().delete("upkeep")


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        pytest.param({}, "symbols", ["required"], id="no symbols"),
        pytest.param({"symbols": []}, "symbols", ["at least 1"], id="empty symbols"),
        pytest.param({"symbols": ["AAPL"], "spead": 60}, "spead", ["'spead'", "speed"], id="misspelled field"),
        pytest.param({"symbols": ["AAPL"], "speed": -1}, "speed", ["-1", "positive"], id="negative speed"),
        pytest.param({"symbols": ["AAPL"], "speed": "fast"}, "speed", ["number"], id="speed not a number"),
        pytest.param({"symbols": ["AAPL"], "date": "18.11.2024"}, "date", ["YYYY-MM-DD"], id="date form"),
        pytest.param({"symbols": ["AAPL"], "derive": ["7x"]}, "derive", ["'7x'", "5m"], id="interval form"),
        pytest.param({"symbols": ["AAPL"], "dataset": "gold"}, "dataset", ["'gold'", "paper"], id="dataset"),
        pytest.param({"symbols": ["AAPL"], "until": "2024-11-15"}, "until", ["2024-11-15"], id="ends early"),
        pytest.param({"symbols": ["NOPE"]}, "symbols", ["NOPE"], id="unknown symbol"),
    ],
)
def test_a_post_that_cannot_start_names_field_and_value(
    client: APIClient, given: dict[str, Any], field: str, words: list[str]
) -> None:
    a_day("AAPL")
    if field == "until":
        given = {**given, "date": DAY.isoformat()}
    body = assert_problem(client.post("/api/sessions/", given, format="json"), 400, *words)
    error = body["errors"][0]
    assert error["field"] == field
    assert error["value"] == given.get(field)
    assert not Session.objects.exists()


def test_a_body_that_is_no_json_is_a_problem(client: APIClient) -> None:
    answer = client.post("/api/sessions/", "{", content_type="application/json")
    assert_problem(answer, 400, "JSON")


def test_controls_record_the_intent(client: APIClient) -> None:
    session = a_session()
    address = f"/api/sessions/{session.pk}"
    assert client.post(f"{address}/pause/").json()["paused"] is True
    assert client.post(f"{address}/resume/").json()["paused"] is False
    assert client.post(f"{address}/speed/", {"speed": 0.5}, format="json").json()["speed"] == 0.5
    assert client.post(f"{address}/stop/").json()["stop_requested"] is True
    assert session.events.filter(message="pause by user0").exists()


def test_pausing_twice_is_a_conflict(client: APIClient) -> None:
    session = a_session(paused=True)
    assert_problem(client.post(f"/api/sessions/{session.pk}/pause/"), 409, "paused")


def test_a_control_after_the_end_is_a_conflict_that_names_both_states(client: APIClient) -> None:
    session = a_session(state=State.COMPLETED)
    assert_problem(client.post(f"/api/sessions/{session.pk}/stop/"), 409, "completed", "stopped")


@pytest.mark.parametrize("speed", [-1, "fast", math.inf, None])
def test_an_impossible_speed_is_refused_at_its_field(client: APIClient, speed: Any) -> None:
    session = a_session()
    given = {"speed": str(speed) if speed == math.inf else speed}
    body = assert_problem(client.post(f"/api/sessions/{session.pk}/speed/", given, format="json"), 400)
    assert body["errors"][0]["field"] == "speed"


def test_streams_and_events_are_listed(client: APIClient) -> None:
    session = a_session("AAPL", "MSFT")
    streams = client.get(f"/api/sessions/{session.pk}/streams/").json()["results"]
    assert [(row["symbol"], row["active"], row["present"]) for row in streams] == [
        ("AAPL", True, 30),
        ("MSFT", True, 30),
    ]
    events = client.get(f"/api/sessions/{session.pk}/events/").json()["results"]
    assert events[0]["message"] == "running"


# --- the session door: nothing from after the clock -------------------------------------------------


def test_the_session_door_ends_at_the_visible_clock(client: APIClient) -> None:
    session = a_session(minutes=30)
    body = client.get(f"/api/sessions/{session.pk}/bars/?symbol=aapl").json()
    assert body["clock"] == "2024-11-18T15:00:00Z"
    assert len(body["bars"]) == 30
    assert body["bars"][0]["start"] == "2024-11-18T14:30:00Z"
    assert body["bars"][0]["volume"] is None
    assert max(bar["end"] for bar in body["bars"]) == body["clock"]


def test_the_session_door_shows_derived_bars_only_when_over(client: APIClient) -> None:
    session = a_session(minutes=29)
    body = client.get(f"/api/sessions/{session.pk}/bars/?symbol=AAPL&interval=15m").json()
    assert [bar["end"] for bar in body["bars"]] == ["2024-11-18T14:45:00Z"]


def test_the_session_door_gives_the_latest_within_the_limit(client: APIClient) -> None:
    session = a_session(minutes=30)
    bars = client.get(f"/api/sessions/{session.pk}/bars/?symbol=AAPL&limit=2").json()["bars"]
    assert [bar["start"] for bar in bars] == ["2024-11-18T14:58:00Z", "2024-11-18T14:59:00Z"]


def test_the_session_door_is_empty_before_the_first_frame(client: APIClient) -> None:
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
def test_the_session_door_refuses(client: APIClient, query: str, field: str, words: list[str]) -> None:
    session = a_session("AAPL", "MSFT")
    body = assert_problem(client.get(f"/api/sessions/{session.pk}/bars/?{query}"), 400, *words)
    assert body["errors"][0]["field"] == field


# --- the store door --------------------------------------------------------------------------------


def test_the_store_door_gives_the_latest_day(client: APIClient) -> None:
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
def test_the_store_door_cuts_the_window(client: APIClient, window: str, count: int) -> None:
    a_day(date=dt.date(2024, 11, 15))
    a_day()
    answer = client.get(f"/api/bars/?symbol=AAPL&{window.replace('+', '%2B')}")
    assert answer.json()["count"] == count


def test_the_store_door_prefers_real_data(client: APIClient) -> None:
    for date in (dt.date(2024, 11, 15), DAY):
        a_day(date=date, dataset=a_dataset("made", synthetic=True))
    a_day()
    assert client.get("/api/bars/?symbol=AAPL").json()["dataset"] == "paper"
    assert client.get("/api/bars/?symbol=AAPL&dataset=made").json()["synthetic"] is True
    only_made = client.get("/api/bars/?symbol=AAPL&start=2024-11-15&end=2024-11-15").json()
    assert (only_made["dataset"], only_made["count"]) == ("made", 390)


def test_the_store_door_keeps_extended_hours_apart(client: APIClient) -> None:
    a_day()
    a_day(scope=Scope.EXTENDED)
    assert client.get("/api/bars/?symbol=AAPL").json()["count"] == 390
    assert client.get("/api/bars/?symbol=AAPL&scope=extended").json()["count"] == 390


def test_the_store_door_has_a_cap_and_says_so(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_door, "MOST_BARS", 100)
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
def test_the_store_door_refuses(client: APIClient, query: str, field: str, words: list[str]) -> None:
    a_day()
    body = assert_problem(client.get(f"/api/bars/?{query}"), 400, *words)
    assert body["errors"][0]["field"] == field


# --- status, schema, health ------------------------------------------------------------------------


def test_status_tells_services_and_sessions(client: APIClient) -> None:
    a_session("AAPL", "MSFT", minutes=30)
    body = client.get("/api/status/").json()
    assert [(row["name"], row["ok"]) for row in body["services"]] == [("postgres", True), ("redis", True)]
    assert all(row["version"] for row in body["services"])
    assert body["system"] == "degraded"
    assert "No replay worker" in body["problems"][0]
    [session] = body["sessions"]
    assert (session["session_date"], session["session_active"]) == ("2024-11-18", True)
    assert (session["active_symbols"], session["streams"], session["bars"]) == (2, 2, 60)
    assert (session["quality"], session["days_held"]) == (1.0, ["2024-11-18"])


def test_the_schema_is_valid_and_made_without_warnings(tmp_path: Path) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))
    text = (tmp_path / "schema.yml").read_text()
    assert "/api/sessions/{id}/pause/" in text
    assert "application/problem+json" in text


def test_the_docs_page_asks_for_a_login_and_uses_no_cdn() -> None:
    client = Client()
    assert client.get("/api/docs/").headers["Location"].startswith("/admin/login/")
    client.force_login(User.objects.create_user("reader"))
    page = client.get("/api/docs/").content.decode()
    assert "swagger-ui" in page
    assert "https://" not in page


def test_health_is_open_and_touches_no_service(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_the_root_leads_to_the_admin() -> None:
    assert Client().get("/").headers["Location"] == "/admin/"
