"""A start that is not as asked for says so at every address: a closed day, a window that the data do not reach."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from sessions.models import ActiveStream, Session, State, symbols_of
from streaming.starts import service
from streaming.starts.error import StartError
from streaming.starts.request import StartRequest
from tests.streaming.callers import ALL, log_in
from tests.streaming.rows import DAY, a_day, a_session

pytestmark = pytest.mark.django_db
SATURDAY, SUNDAY = DAY - dt.timedelta(days=2), DAY - dt.timedelta(days=1)
CLOSED = "2024-11-16 is not a trading day of XNYS (Saturday): the nearest are 2024-11-15 and 2024-11-18"
PAST = "Dataset paper has bars of AAPL up to 2024-11-18: the session ends there, not on 2024-11-22"


@pytest.fixture(autouse=True)
def day() -> None:
    a_day("AAPL")


def test_the_service_says_it_and_keeps_it_as_an_event() -> None:
    said: list[str] = []
    request = StartRequest(("AAPL",), SATURDAY, DAY + dt.timedelta(days=4))
    session = service.create(request, said.append)
    assert [CLOSED in said[0], PAST in said[1]] == [True, True]
    assert service.notes_of(session) == said
    assert (session.start_date, session.end_date) == (DAY, DAY), "the window is what can be played, so it completes"


def test_a_last_day_that_is_closed_is_named_too() -> None:
    a_day("AAPL", SATURDAY - dt.timedelta(days=1))
    said: list[str] = []
    session = service.create(StartRequest(("AAPL",), SATURDAY - dt.timedelta(days=1), SUNDAY), said.append)
    assert session.end_date == dt.date(2024, 11, 15)
    [note] = said
    assert "2024-11-17 is not a trading day of XNYS (Sunday): the window ends on 2024-11-15" in note
    assert note.endswith("the next trading day is 2024-11-18.")


def test_a_closed_day_is_named_also_where_nothing_can_be_started_instead() -> None:
    with pytest.raises(StartError) as refused:
        service.create(StartRequest(("AAPL",), SATURDAY - dt.timedelta(days=7)))
    assert "2024-11-09 is not a trading day of XNYS (Saturday)" in refused.value.message
    assert "No dataset has AAPL on 2024-11-11" in refused.value.message


@pytest.mark.parametrize("dataset", ["", "paper"])
def test_a_day_that_is_not_there_is_refused_with_the_nearest_and_leaves_no_session(dataset: str) -> None:
    a_day("AAPL", DAY + dt.timedelta(days=3))
    with pytest.raises(
        StartError, match=r"on 2024-11-19 \(the nearest in paper: 2024-11-18 and 2024-11-21\)"
    ) as refused:
        service.create(StartRequest(("AAPL",), DAY + dt.timedelta(days=1), dataset=dataset))
    assert refused.value.field == "date" and not Session.objects.exists()


def test_a_provider_may_still_bring_what_is_missing() -> None:
    session = service.create(StartRequest(("AAPL",), DAY, DAY + dt.timedelta(days=4), provider="synthetic"))
    assert session.end_date == DAY + dt.timedelta(days=4)
    assert service.notes_of(session) == []


def test_the_api_answers_with_the_notes() -> None:
    body = {"symbols": ["AAPL"], "date": str(SATURDAY), "until": "2024-11-22"}
    answer = log_in(*ALL).post("/api/sessions/", body, format="json").json()
    assert [CLOSED in answer["notes"][0], PAST in answer["notes"][1]] == [True, True]


def test_the_admin_shows_the_notes() -> None:
    admin = Client()
    admin.force_login(User.objects.create_superuser("root"))
    given = {"symbols": "AAPL", "date": str(SATURDAY), "speed": "60", "types": "bars", "hours": "regular"}
    answer = admin.post("/admin/replay/session/add/", {f"start-{name}": value for name, value in given.items()})
    assert CLOSED in next(str(message) for message in answer.wsgi_request._messages)  # type: ignore[attr-defined]


def test_a_seek_in_the_admin_says_where_it_lands() -> None:
    session = a_session("MSFT")
    Session.objects.filter(pk=session.pk).update(end_date=DAY + dt.timedelta(days=1))
    admin = Client()
    admin.force_login(User.objects.create_superuser("root"))
    answer = admin.post(f"/admin/replay/session/{session.pk}/seek/", {"when": "2024-11-18T20:00"}).json()
    assert "2024-11-18 20:00 is outside the hours that are played" in answer["note"]
    assert "2024-11-19 09:30" in answer["note"]


@pytest.mark.parametrize("state", [State.RUNNING, State.COMPLETED])
def test_a_sessions_symbols_are_the_same_everywhere_also_when_it_has_ended(state: str) -> None:
    session = a_session("IBM", "MSFT", "SPY", state=state)
    ActiveStream.objects.filter(session=session, instrument__symbol="SPY").update(active=False, requested=False)
    if state == State.COMPLETED:
        ActiveStream.objects.filter(session=session).update(active=False)
    wanted = ["IBM", "MSFT"]
    assert symbols_of(session.streams.all()) == wanted
    assert log_in(*ALL).get(f"/api/sessions/{session.pk}/").json()["symbols"] == wanted
    out = io.StringIO()
    call_command("sessions", stdout=out)
    assert "IBM, MSFT" in out.getvalue() and "SPY" not in out.getvalue()
    admin = Client()
    admin.force_login(User.objects.create_superuser("root"))
    assert "IBM, MSFT" in admin.get("/admin/replay/session/").content.decode()
    landing = admin.get("/admin/").content.decode()
    assert ("IBM, MSFT" if state == State.COMPLETED else 'data-symbol="IBM"') in landing and "SPY" not in landing
