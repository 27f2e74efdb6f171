"""Who may not read the store sees nothing of a session's tomorrow: neither its data nor that it is there."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from sessions import keys
from sessions.models import Announcement, Run, Session
from tests.streaming.callers import log_in
from tests.streaming.rows import DAY, a_session
from web.pages import cards

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


def test_the_metrics_show_a_viewer_no_more(session: Session) -> None:
    shown = log_in("view_session").get("/metrics").content.decode()
    assert "tapedeck_session_frames" in shown and "_held" not in shown
    shown = log_in("view_session", "view_bar").get("/metrics").content.decode()
    assert f'tapedeck_session_bars_held{{session="{session.pk}"}} 780.0' in shown


PAGES = (
    "index",
    "replay_session_live",
    "replay_session_change",
    "replay_session_panels",
    "replay_sessionevent_changelist",
)


def looking(session: Session, page: str, *codenames: str) -> str:
    """A page of the admin as staff with these permissions see it."""
    user = User.objects.create_user("staff", password="secret", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    address = reverse(f"admin:{page}", args=[session.pk] if page.endswith(("change", "panels")) else [])
    return client.get(address).content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_pages_show_staff_who_may_not_look_ahead_no_trace_of_tomorrow(session: Session, page: str) -> None:
    session.record("prefetch_failed", f"{TOMORROW}: it was not there", date=TOMORROW.isoformat())
    text = looking(session, page, "view_session", "view_sessionevent")
    assert "it was not there" not in text and "780 bars" not in text
    assert f"{DAY}, {TOMORROW}" not in text


@pytest.mark.parametrize("page", PAGES)
def test_pages_show_analysts_all_of_it(session: Session, page: str) -> None:
    session.record("prefetch_failed", f"{TOMORROW}: it was not there", date=TOMORROW.isoformat())
    assert "it was not there" in looking(session, page, "view_session", "view_sessionevent", "view_bar")


def test_cards_show_what_is_held_of_today(session: Session) -> None:
    rows = Session.objects.filter(pk=session.pk)
    shown = [cards.card(cards.sessions_to_show(rows, ahead=ahead).get(), session.created_at) for ahead in (False, True)]
    held = [one["shown"]["held"] for one in shown]
    assert held == [str(DAY), f"{DAY}, {TOMORROW} (780 bars)"]
