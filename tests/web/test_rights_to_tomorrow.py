"""Who may not read the store sees nothing of a session's tomorrow: neither its data nor that it is there."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from rest_framework.test import APIClient

from sessions import keys
from sessions.models import Announcement, Run, Session
from tests.streaming.callers import log_in
from tests.streaming.rows import DAY, a_session

pytestmark = pytest.mark.django_db
TOMORROW = DAY + dt.timedelta(days=1)


@pytest.fixture
def session() -> Session:
    """Today it plays; tomorrow is prefetched, and upkeep has said so."""
    played = a_session("AAPL", minutes=30, bars_held=780)
    Run.objects.filter(session=played).update(days_held=[DAY, TOMORROW])
    for date, kind in [
        *((TOMORROW, kind) for kind in (*Announcement.Kind.values, "refill", "prefetch_failed")),
        *((DAY, kind) for kind in ("refill", Announcement.Kind.DAY_READY)),
        (DAY - dt.timedelta(days=1), "refill"),
    ]:
        played.record(kind, f"{date}: something of {kind}", date=date.isoformat())
    return played


def reader(session: Session) -> APIClient:
    key, secret = keys.create(session)
    return APIClient(HTTP_AUTHORIZATION=f"Bearer {key.key_id}.{secret}")


def viewer(session: Session) -> APIClient:
    return log_in("view_session")


@pytest.mark.parametrize("who", [reader, viewer])
def test_who_may_not_look_ahead_sees_no_trace_of_tomorrow(session: Session, who: Any) -> None:
    client = who(session)
    row = client.get(f"/api/sessions/{session.pk}/").json()
    assert (row["days_held"], row["bars_held"]) == ([DAY.isoformat()], None)
    messages = [event["message"] for event in client.get(f"/api/sessions/{session.pk}/events/").json()["results"]]
    assert not [message for message in messages if str(TOMORROW) in message and "gaps" not in message]
    assert not [message for message in messages if str(DAY) in message], "of today's later minutes neither"
    assert [message for message in messages if str(DAY - dt.timedelta(days=1)) in message]


def test_an_analyst_sees_all_of_it(session: Session) -> None:
    client = log_in("view_session", "view_bar")
    row = client.get(f"/api/sessions/{session.pk}/").json()
    assert (row["days_held"], row["bars_held"]) == ([DAY.isoformat(), TOMORROW.isoformat()], 780)
    assert len(client.get(f"/api/sessions/{session.pk}/events/").json()["results"]) >= 8


def test_the_status_shows_a_viewer_no_more(session: Session) -> None:
    (row,) = log_in("view_session").get("/api/status/").json()["sessions"]
    assert (row["days_held"], row["bars_held"]) == ([DAY.isoformat()], None)
    (row,) = log_in("view_session", "view_bar").get("/api/status/").json()["sessions"]
    assert row["bars_held"] == 780
