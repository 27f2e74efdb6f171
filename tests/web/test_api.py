"""The API: closed by default, one verb a view, every refusal a problem that names the value."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from rest_framework.test import APIClient

from sessions import control
from sessions.models import Session, State
from sessions.redis_client import connection as redis_connection
from tests.streaming.callers import ALL, assert_problem, log_in
from tests.streaming.rows import DAY, a_dataset, a_day, a_session
from tests.workers import STARTS
from web.api import parsers

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> APIClient:
    return log_in(*ALL)


# --- who may ---------------------------------------------------------------------------------------

CLOSED = ["status/", "sessions/", "sessions/1/", "sessions/1/streams/", "sessions/1/events/", "sessions/1/bars/"]


@pytest.mark.parametrize("address", [*CLOSED, "bars/", "schema/"])
def test_is_closed_to_strangers(address: str) -> None:
    answer = APIClient().get(f"/api/{address}")
    assert_problem(answer, 401)
    assert answer["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize("address", [*CLOSED, "bars/"])
def test_reading_needs_the_permission_to_view(address: str) -> None:
    assert_problem(log_in().get(f"/api/{address}"), 403)


@pytest.mark.parametrize("verb", ["pause", "resume", "stop", "speed"])
def test_controlling_needs_the_permission_to_change(verb: str) -> None:
    session = a_session()
    assert_problem(log_in("view_session", "add_session").post(f"/api/sessions/{session.pk}/{verb}/"), 403)


def test_starting_needs_the_permission_to_add() -> None:
    assert_problem(log_in("view_session", "change_session").post("/api/sessions/", {"symbols": ["AAPL"]}), 403)


def test_a_token_is_given_for_name_and_password() -> None:
    log_in("view_session")
    given = APIClient().post("/api/token/", {"username": "user0", "password": "secret"}, format="json")
    client = APIClient(HTTP_AUTHORIZATION=f"Token {given.json()['token']}")
    assert client.get("/api/sessions/").status_code == 200


def test_a_wrong_password_gets_no_token() -> None:
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
    assert body["cursor"] == f"1.{session.run.frame_id}"
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
    assert len(client.get("/api/sessions/?state=running&state=paused").json()["results"]) == 1
    body = assert_problem(client.get("/api/sessions/?state=asleep"), 400, "asleep")
    assert body["errors"][0]["field"] == "state"


@pytest.mark.parametrize(
    ("address", "count"),
    [
        pytest.param("?symbol=aapl", 1, id="symbol"),
        pytest.param("?symbol=TSLA", 0, id="other symbol"),
        pytest.param("?dataset=paper", 1, id="dataset"),
        pytest.param("?name=mor", 1, id="part of the name"),
        pytest.param("?date=2024-11-18", 1, id="day"),
        pytest.param("?date=2024-11-19", 0, id="day after"),
        pytest.param("{pk}/streams/?symbol=AAPL&active=true&stream_type=bars", 1, id="streams"),
        pytest.param("{pk}/streams/?active=false", 0, id="streams, inactive"),
        pytest.param("{pk}/events/?by=ada&kind=control", 1, id="who controlled it"),
        pytest.param("{pk}/events/?by=bob", 0, id="who did not"),
    ],
)
def test_lists_are_filtered(client: APIClient, address: str, count: int) -> None:
    session = a_session("AAPL", "MSFT", name="morning")
    control.set_speed(session.pk, 2, by="ada")
    assert len(client.get(f"/api/sessions/{address.format(pk=session.pk)}").json()["results"]) == count


def test_a_filter_that_there_is_not_is_refused_by_name(client: APIClient) -> None:
    body = assert_problem(client.get("/api/sessions/?stat=running"), 400, "'stat'", "state, dataset")
    assert body["errors"][0] == {"field": "stat", "value": "running", "detail": body["detail"]}


def test_an_event_says_who_asked_for_it(client: APIClient) -> None:
    session = a_session("AAPL")
    client.post(f"/api/sessions/{session.pk}/pause/")
    event = client.get(f"/api/sessions/{session.pk}/events/").json()["results"][0]
    assert (event["kind"], event["by"], event["message"]) == ("control", "user0", "pause by user0")


def test_a_session_that_is_not_there_is_a_404_problem(client: APIClient) -> None:
    assert_problem(client.get("/api/sessions/12345678901234567890/"), 404)


def test_an_address_that_is_not_there_is_a_404_problem() -> None:
    assert_problem(APIClient().get("/api/sesions/"), 404, "/api/sesions/", "/api/docs/")


def test_a_post_creates_the_row_and_queues_its_start_after_commit(
    client: APIClient, django_capture_on_commit_callbacks: Any
) -> None:
    a_day("AAPL")
    a_day("MSFT")
    redis_connection().delete(STARTS)
    with django_capture_on_commit_callbacks(execute=True):
        body = {"symbols": ["aapl", "MSFT"], "speed": 60, "name": "both"}
        answer = client.post("/api/sessions/", body, format="json")
        assert redis_connection().llen(STARTS) == 0
    assert answer.status_code == 202, answer.content
    session = Session.objects.get(pk=answer.json()["id"])
    assert (session.state, session.speed, session.name) == (State.CREATED, 60, "both")
    assert session.created_by == "user0"
    assert session.start_date == DAY
    assert redis_connection().llen(STARTS) == 1
    redis_connection().delete(STARTS)


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


def test_a_body_beyond_all_measure_is_refused_unread(client: APIClient) -> None:
    body = '{"name": "' + "x" * parsers.MOST_BYTES + '"}'
    assert_problem(client.post("/api/sessions/", body, content_type="application/json"), 413, "1,048,576")
    assert_problem(APIClient().post("/api/token/", body, content_type="application/json"), 413)


def test_an_ended_session_is_deleted_and_a_live_one_refused() -> None:
    client = log_in(*ALL, "delete_session")
    ended, live = a_session("AAPL", state=State.COMPLETED), a_session("MSFT")
    assert client.delete(f"/api/sessions/{ended.pk}/").status_code == 204
    refused = client.delete(f"/api/sessions/{live.pk}/")
    assert refused.status_code == 409 and "is live: stop it first" in refused.json()["detail"]
    assert list(Session.objects.all()) == [live]
    assert log_in("view_session", "change_session").delete(f"/api/sessions/{live.pk}/").status_code == 403


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


@pytest.mark.parametrize("speed", [-1, "fast", math.inf, None, 1e308, 1e-300, 1_000_001])
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


def test_the_root_leads_to_the_admin() -> None:
    assert Client().get("/").headers["Location"] == "/admin/"
