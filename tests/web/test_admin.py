"""The admin of the replays: a cheap status view that controls and starts, and never writes a worker's row."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone

from marketdata import chart_library
from sessions.models import ServiceHeartbeat, Session, State, Verification
from sessions.redis_client import connection as redis_connection
from tests.streaming.rows import DAY, a_dataset, a_day, a_session
from tests.workers import STARTS

pytestmark = pytest.mark.django_db
SESSIONS = "/admin/replay/session/"


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("ada", password="secret"))
    return client


def texts(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def act(client: Client, action: str, *sessions: Session) -> Any:
    data = {"action": action, "_selected_action": [session.pk for session in sessions]}
    return client.post(SESSIONS, data, follow=True)


def test_who_logs_in_at_the_forms_own_address_gets_home() -> None:
    User.objects.create_superuser("ada", password="secret")
    answer = Client().post("/admin/login/", {"username": "ada", "password": "secret"})
    assert answer.headers["Location"] == "/admin/"


def test_the_list_shows_state_progress_speed_and_symbols(client: Client) -> None:
    a_session("AAPL", "MSFT", minutes=195, speed=60, name="both")
    page = client.get(SESSIONS).content.decode()
    for shown in ("both", "running", "2024-11-18 12:45 New York, 50% of the day", "60×", "AAPL, MSFT", "paper"):
        assert shown in page
    assert "Tapedeck" in page


def test_the_list_costs_the_same_for_more_sessions(client: Client, django_assert_max_num_queries: Any) -> None:
    a_session("AAPL", "MSFT")
    for _ in range(30):
        session = Session.objects.create(dataset=a_dataset(), start_date=DAY, end_date=DAY)
        for _ in range(3):
            session.record("state", "created")
    with django_assert_max_num_queries(6):
        assert client.get(SESSIONS).status_code == 200


def test_a_session_shows_streams_events_and_journal(client: Client, django_assert_max_num_queries: Any) -> None:
    session = a_session("AAPL", "MSFT")
    with django_assert_max_num_queries(14):
        page = client.get(f"{SESSIONS}{session.pk}/change/").content.decode()
    for shown in ("AAPL", "MSFT", "100.0%", "running", "#1", "load", "sessionevent/?session__id__exact"):
        assert shown in page


def test_a_session_is_no_form(client: Client) -> None:
    session = a_session("AAPL")
    answer = client.post(f"{SESSIONS}{session.pk}/change/", {"state": "completed", "speed": 9})
    assert answer.status_code == 403
    session.refresh_from_db()
    assert (session.state, session.speed) == (State.RUNNING, 1)


def test_actions_record_the_intent_and_say_so(client: Client) -> None:
    session = a_session("AAPL")
    assert texts(act(client, "pause", session)) == [f"Session {session.pk} is being paused."]
    assert texts(act(client, "resume", session)) == [f"Session {session.pk} is being resumed."]
    assert texts(act(client, "stop", session)) == [f"Session {session.pk} is being stopped."]
    session.refresh_from_db()
    assert session.stop_requested
    assert session.events.filter(message="pause by ada").exists()


def test_a_refused_action_says_why_and_spares_the_others(client: Client) -> None:
    running = a_session("AAPL")
    ended = Session.objects.create(
        dataset=a_dataset(), start_date=DAY, end_date=DAY, state=State.COMPLETED, ended_at=timezone.now()
    )
    reported = texts(act(client, "pause", running, ended))
    assert reported[0] == f"Session {running.pk} is being paused."
    assert f"Session {ended.pk} is completed" in reported[1]


def test_who_may_only_look_is_offered_no_action() -> None:
    viewer = User.objects.create_user("eve", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename="view_session"))
    client = Client()
    client.force_login(viewer)
    session = a_session("AAPL")
    assert 'value="pause"' not in client.get(SESSIONS).content.decode()
    act(client, "pause", session)
    session.refresh_from_db()
    assert not session.paused


START = {"symbols": "aapl, MSFT", "dataset": "", "date": "", "until": "", "speed": "60", "derive": "5m", "name": "x"}


def add(client: Client, **given: str) -> Any:
    return client.post(f"{SESSIONS}add/", {f"start-{name}": value for name, value in (START | given).items()})


def test_the_add_form_starts_a_session(client: Client, django_capture_on_commit_callbacks: Any) -> None:
    a_day("AAPL")
    a_day("MSFT")
    assert "symbols" in client.get(f"{SESSIONS}add/").content.decode()
    redis_connection().delete(STARTS)
    with django_capture_on_commit_callbacks(execute=True):
        answer = add(client)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    session = Session.objects.get()
    assert (session.state, session.speed, session.derive) == (State.CREATED, 60, ["5m"])
    assert (session.start_date, session.created_by) == (DAY, "ada")
    assert redis_connection().llen(STARTS) == 1
    redis_connection().delete(STARTS)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        pytest.param("symbols", "NOPE", "NOPE", id="unknown symbol"),
        pytest.param("symbols", "", "required", id="no symbol"),
        pytest.param("speed", "-2", "-2", id="negative speed"),
        pytest.param("derive", "7x", "7x", id="interval"),
        pytest.param("until", "2024-11-15", "2024-11-15", id="ends before it starts"),
        pytest.param("date", "monday", "valid date", id="no date"),
    ],
)
def test_the_add_form_says_what_is_wrong_at_the_field(client: Client, field: str, value: str, words: str) -> None:
    a_day("AAPL")
    date = "" if field == "symbols" else DAY.isoformat()
    answer = add(client, **{"symbols": "AAPL", "date": date, field: value})
    assert words in str(answer.context["adminform"].form.errors[field])
    assert not Session.objects.exists()


def test_a_live_session_cannot_be_deleted(client: Client) -> None:
    session = a_session("AAPL")
    for answer in (
        client.post(f"{SESSIONS}{session.pk}/delete/", {"post": "yes"}, follow=True),
        act(client, "delete_selected", session, a_session("MSFT", state=State.COMPLETED)),
    ):
        (text,) = texts(answer)
        assert text.startswith(f"Session {session.pk} is live: stop it first, then delete.")
    assert Session.objects.count() == 2 and Session.objects.filter(pk=session.pk).exists()


def test_an_ended_session_goes_with_its_journal_and_events(client: Client) -> None:
    session = a_session("AAPL", state=State.COMPLETED)
    assert "Are you sure" in act(client, "delete_selected", session).content.decode()
    assert client.post(f"{SESSIONS}{session.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Session.objects.filter(pk=session.pk).exists()


def test_a_session_is_verified_from_its_page_by_analysts_and_the_outcome_stays_on_it(client: Client) -> None:
    session = a_session("AAPL", state=State.COMPLETED)
    address = f"{SESSIONS}{session.pk}/verify/"
    panels = f"{SESSIONS}{session.pk}/panels/"
    assert client.get(panels).status_code == 286, "an ended session's panels come no more by themselves"
    assert client.post(address).status_code == 200
    answer = client.get(panels)
    assert (answer.status_code, "data-unfinished" in answer.content.decode()) == (200, True)
    assert act(client, "verify", session).status_code == 200
    row = session.verifications.get()
    Verification.objects.update(state="done", ok=False, report={"generations": [], "problems": ["Frame 7 is another."]})
    assert client.get(panels).status_code == 286
    for page in (panels, f"{SESSIONS}{session.pk}/change/", f"/admin/replay/verification/?q={session.pk}"):
        assert "differs: Frame 7 is another." in client.get(page).content.decode()
    viewer = User.objects.create_user("vi", password="secret", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__in=["view_session", "change_session"]))
    client.force_login(viewer)
    assert client.post(address).status_code == 403
    assert "Verify" not in client.get(f"{SESSIONS}{session.pk}/change/").content.decode()
    assert row.requested_by == "ada"


@pytest.mark.parametrize("page", ["sessionevent", "journalentry", "serviceheartbeat", "verification"])
def test_the_engines_rows_are_listed_cheaply_and_read_only(
    page: str, client: Client, django_assert_max_num_queries: Any
) -> None:
    session = a_session("AAPL")
    for number in range(30):
        session.record("state", f"event {number}")
    ServiceHeartbeat.objects.create(
        name="replay@here", kind="replay", pid=1, seen_at=timezone.now() - dt.timedelta(minutes=5)
    )
    with django_assert_max_num_queries(8):
        answer = client.get(f"/admin/replay/{page}/")
    assert answer.status_code == 200
    assert client.get(f"/admin/replay/{page}/add/").status_code == 403


def test_trades_and_quotes_are_counted_apart_and_never_expected(client: Client) -> None:
    session = a_session("AAPL", minutes=30)
    stream = session.streams.get()
    session.streams.filter(pk=stream.pk).update(present=29, expected=30)
    session.streams.create(instrument=stream.instrument, stream_type="ticks", present=4812, expected=30)
    panels = client.get(f"{SESSIONS}{session.pk}/panels/").content.decode()
    listed = client.get("/admin/replay/activestream/").content.decode()
    for page in (panels, listed):
        assert "29 of 30" in page and "4,812" in page and "trades" in page and "4,812 of" not in page
    [card] = client.get("/admin/replay/session/live/").json()["cards"]
    assert (card["shown"]["bars"], card["shown"]["symbols"], card["shown"]["streams"]) == (
        "29",
        "AAPL",
        "2 of 2 active",
    )
    assert "AAPL, AAPL" not in client.get(SESSIONS).content.decode()


def test_the_pages_tell_the_speed_that_was_measured_and_none_while_it_stands(client: Client) -> None:
    session = a_session("AAPL", speed=600, real_speed=123.4567, clock_error=41.7, bottleneck="store")
    [shown] = [card["shown"] for card in client.get("/admin/replay/session/live/").json()["cards"]]
    assert (shown["real"], shown["late"], shown["waits"]) == ("123× real", "42 ms (99th percentile)", "store")
    assert "123× real" in client.get(f"{SESSIONS}{session.pk}/change/").content.decode()
    Session.objects.update(state=State.PAUSED)
    [shown] = [card["shown"] for card in client.get("/admin/replay/session/live/").json()["cards"]]
    assert (shown["real"], shown["late"], shown["waits"]) == ("", "n/a", "nothing")


def test_the_landing_page_says_what_is_missing_and_shows_what_plays(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    sessions = [a_session("AAPL", "MSFT", minutes=195, speed=60, name="both")]
    with django_assert_max_num_queries(14):
        page = client.get("/admin/").content.decode()
    assert "No replay worker is running, so no session can start: start one with manage.py up." in page
    assert "both (session" in page and "12:45:00" in page
    reported = client.get("/admin/replay/session/live/").json()["cards"]
    assert [card["id"] for card in reported] == [session.pk for session in sessions]
    assert (reported[0]["position"], reported[0]["total"]) == (195, 390)


def test_a_verb_is_asked_by_post_and_answers_in_words(client: Client) -> None:
    session = a_session("AAPL")
    assert client.get(f"{SESSIONS}{session.pk}/pause/").status_code == 405
    assert client.post(f"{SESSIONS}{session.pk}/pause/").json()["paused"] is True
    assert client.post(f"{SESSIONS}{session.pk}/step/", {"n": "5"}).status_code == 200
    refused = client.post(f"{SESSIONS}{session.pk}/speed/", {"speed": "fast"})
    assert (refused.status_code, refused.json()["detail"]) == (400, "'fast' is no number.")
    outside = client.post(f"{SESSIONS}{session.pk}/seek/", {"when": "2024-11-20T15:00:00Z"})
    assert outside.status_code == 409 and "outside session" in outside.json()["detail"]


def test_the_chart_library_is_the_file_that_the_pages_name() -> None:
    kept = (chart_library.folder() / chart_library.FILE).read_bytes()
    digest = base64.b64encode(hashlib.sha384(kept).digest()).decode()
    assert f"sha384-{digest}" == chart_library.INTEGRITY
    assert finders.find("charts/lightweight-charts.js") == str(chart_library.folder() / chart_library.FILE)
    assert finders.find("charts/bundle.js") is None


@pytest.mark.parametrize(
    ("exchange", "zone", "place", "clock"),
    [("XNYS", "America/New_York", "New York", "10:00:00"), ("XLON", "Europe/London", "London", "15:00:00")],
)
def test_pages_show_a_session_in_its_exchanges_time(exchange: str, zone: str, place: str, clock: str) -> None:
    session = a_session("AAPL", exchange=exchange)
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    for address in (f"/admin/replay/session/{session.pk}/change/", "/admin/"):
        page = client.get(address).content.decode()
        assert f'data-zone="{zone}"' in page and f">{clock}</time>" in page
        assert f'<span class="td-quiet">{place}' in page and ("New York" in page) == (place == "New York")
    Session.objects.update(state=State.COMPLETED)
    assert f" {clock} {place}</td>" in client.get("/admin/").content.decode()
