"""The calendar of the page that starts sessions: what the exchange does on each day, and what the store has."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import User
from django.test import Client

from marketdata.models import Instrument
from tests.streaming.rows import a_day

pytestmark = pytest.mark.django_db
SESSIONS = "/admin/replay/session/"


@pytest.fixture
def client(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    return client


def test_the_calendar_of_the_form_knows_holidays_half_days_and_coverage(client: Client) -> None:
    a_day("AAPL", date=dt.date(2025, 7, 3))
    report = client.get(f"{SESSIONS}month/", {"month": "2025-07", "symbols": "AAPL MSFT"}).json()
    days = {day["date"]: day for day in report["days"]}
    assert len(days) == 31 and report["asked"] == 2
    assert (days["2025-07-03"]["kind"], days["2025-07-03"]["held"]) == ("half", 1)
    assert days["2025-07-04"]["kind"] == "holiday" and days["2025-07-05"]["kind"] == "weekend"
    assert client.get(f"{SESSIONS}symbols/", {"q": "aa"}).json()["symbols"] == [{"symbol": "AAPL", "name": ""}]


def test_the_calendar_of_the_form_is_that_of_the_symbols_exchange(client: Client) -> None:
    london = a_day("VOD", date=dt.date(2025, 7, 3))
    Instrument.objects.filter(symbol="VOD").update(calendar="XLON")
    a_day("AAPL", date=dt.date(2025, 7, 3))
    asked = {"symbols": "VOD"}, {"symbols": "AAPL"}, {"dataset": london.dataset_id}, {}, {"symbols": "VOD AAPL"}
    answers = [client.get(f"{SESSIONS}month/", {"month": "2025-07", **each}) for each in asked]
    kinds = [{day["date"]: day["kind"] for day in one.json()["days"]}["2025-07-04"] for one in answers[:4]]
    assert kinds == ["full", "holiday", "holiday", "holiday"], "both are in the one dataset"
    assert answers[4].status_code == 400 and "different calendars" in answers[4].json()["detail"]
