"""The same text is the same moment on the command line, in the API and in the admin: exchange time without a zone."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from sessions.market_time import BadMoment, market_time
from sessions.models import Session
from tests.streaming.callers import ALL, assert_problem, log_in
from tests.streaming.rows import DAY, a_session

pytestmark = pytest.mark.django_db
AT_ELEVEN = dt.datetime(2024, 11, 18, 16, tzinfo=dt.UTC)


@pytest.fixture
def session() -> Session:
    assert dt.date(2024, 11, 18) == DAY
    return a_session("AAPL")


def by_command(session: Session, text: str) -> str:
    out = io.StringIO()
    call_command("seek_session", str(session.pk), text, stdout=out)
    return out.getvalue()


def sought(session: Session) -> dt.datetime | None:
    moment = Session.objects.get(pk=session.pk).seek_to
    Session.objects.filter(pk=session.pk).update(seek_to=None)
    return moment


@pytest.mark.parametrize("text", ["11:00", "2024-11-18T11:00", "2024-11-18 11:00:00", "2024-11-18T16:00Z"])
def test_a_text_is_one_moment_wherever_it_is_written(session: Session, text: str) -> None:
    by_command(session, text)
    assert sought(session) == AT_ELEVEN
    answer = log_in(*ALL).post(f"/api/sessions/{session.pk}/seek/", {"to": text}, format="json")
    assert (answer.status_code, answer.json()["note"]) == (200, ""), answer.content
    assert sought(session) == AT_ELEVEN
    admin = Client()
    admin.force_login(User.objects.create_superuser("root"))
    assert admin.post(f"/admin/replay/session/{session.pk}/seek/", {"when": text}).status_code == 200
    assert sought(session) == AT_ELEVEN


@pytest.mark.parametrize("text", ["9:45", "09:45", "2024-11-18T9:45", "2024-11-18 9:45:00"])
def test_an_hour_may_have_one_digit(session: Session, text: str) -> None:
    assert market_time(text, session) == dt.datetime(2024, 11, 18, 14, 45, tzinfo=dt.UTC)


def test_a_date_alone_is_where_that_day_begins(session: Session) -> None:
    assert market_time("2024-11-18", session) == dt.datetime(2024, 11, 18, 14, 30, tzinfo=dt.UTC)
    answer = log_in(*ALL).post(f"/api/sessions/{session.pk}/seek/", {"to": "2024-11-17"}, format="json")
    assert_problem(answer, 400, "2024-11-17 is not a trading day", "Sunday", "2024-11-15 and 2024-11-18")


@pytest.mark.parametrize(
    "text", ["", "eleven", "25:00", "2024-13-18", "1\0:00", "0001-01-01T00:00+14:00", "9999-12-31T23:59"]
)
def test_what_is_no_moment_is_refused_with_how_to_write_one(session: Session, text: str) -> None:
    with pytest.raises(BadMoment, match="is not a moment: write 9:30 or 10:30"):
        market_time(text, session)
    with pytest.raises(CommandError, match="is not a moment"):
        by_command(session, text)
    answer = log_in(*ALL).post(f"/api/sessions/{session.pk}/seek/", {"to": text}, format="json")
    assert answer.status_code == 400


def test_a_seek_that_lands_elsewhere_says_where() -> None:
    session = a_session("AAPL")
    Session.objects.filter(pk=session.pk).update(end_date=dt.date(2024, 11, 19))
    note = (
        "2024-11-18 18:00 is outside the hours that are played: it goes on at the next open, 2024-11-19 09:30 New York."
    )
    moves = f"Session {session.pk} moves to 2024-11-19 09:30:00 New York."
    assert by_command(session, "18:00") == f"{moves} {note}\n"
    sought(session)
    answer = log_in(*ALL).post(f"/api/sessions/{session.pk}/seek/", {"to": "18:00"}, format="json")
    assert answer.json()["note"] == note


@pytest.mark.parametrize("text", ["0001-01-01T00:00", "9999-12-31T12:00Z", "20241118"])
def test_a_moment_outside_the_window_is_refused_with_the_window(session: Session, text: str) -> None:
    answer = log_in(*ALL).post(f"/api/sessions/{session.pk}/seek/", {"to": text}, format="json")
    assert_problem(answer, 409, "is outside session", "2024-11-18 09:30 New York to 2024-11-18 16:00 New York")
