"""Bars as JSON and as CSV: the same rows, in pages, kept by readers for as long as they are the same."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rest_framework.test import APIClient

from marketdata.bar_json import BarTable, bar_tokens
from marketdata.columns import BarColumns
from marketdata.models import Bar, Scope
from streaming.as_of.session_data import get_session_data
from tests.streaming.callers import ALL, assert_problem, log_in
from tests.streaming.rows import DAY, a_day, a_session, bars_of, pin

pytestmark = pytest.mark.django_db
FRIDAY = dt.date(2024, 11, 15)
MINUTES = "/api/bars/?symbol=AAPL"


@pytest.fixture
def client() -> APIClient:
    return log_in(*ALL)


def as_frame(answer: Any) -> pd.DataFrame:
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return pd.read_csv(io.BytesIO(answer.content), parse_dates=["start", "end"])


# --- csv ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", [{"HTTP_ACCEPT": "text/csv"}, {"QUERY": "&format=csv"}], ids=["header", "query"])
def test_the_store_speaks_csv(client: APIClient, asked: dict[str, str]) -> None:
    a_day()
    frame = as_frame(client.get(MINUTES + asked.pop("QUERY", ""), **asked))
    assert list(frame.columns[:4]) == ["symbol", "interval", "start", "end"]
    assert len(frame) == 390
    assert frame["start"].iloc[0] == pd.Timestamp("2024-11-18T14:30:00Z")
    assert frame["close"].iloc[-1] == 103.89
    assert np.isnan(frame["volume"].iloc[0])
    assert frame["volume"].iloc[1] == 1


def test_csv_and_json_have_the_same_rows(client: APIClient) -> None:
    session = a_session(minutes=30)
    for address in (f"{MINUTES}&interval=5m", f"/api/sessions/{session.pk}/bars/?symbol=AAPL"):
        rows = client.get(address).json()["bars"]
        frame = as_frame(client.get(f"{address}&format=csv"))
        assert len(frame) == len(rows)
        for name in ("open", "high", "low", "close"):
            assert frame[name].tolist() == [row[name] for row in rows]
        assert frame["end"].dt.strftime("%Y-%m-%dT%H:%M:%SZ").tolist() == [row["end"] for row in rows]


def test_a_csv_without_rows_still_has_its_header(client: APIClient) -> None:
    session = a_session(clock=None, frame_id="")
    answer = client.get(f"/api/sessions/{session.pk}/bars/?symbol=AAPL&format=csv")
    assert answer.content.startswith(b"symbol,interval,start,end,open,")
    assert answer.content.count(b"\r\n") == 1


def test_a_refusal_is_a_problem_also_where_csv_was_asked_for(client: APIClient) -> None:
    a_day()
    assert_problem(client.get("/api/bars/?symbol=NOPE&format=csv"), 400, "NOPE")


def test_a_form_that_there_is_not_is_refused(client: APIClient) -> None:
    a_day()
    assert client.get(MINUTES, HTTP_ACCEPT="application/xml").status_code == 406
    assert client.get(f"{MINUTES}&format=xml").status_code == 404


# --- pages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [389, 391, 780])
@pytest.mark.parametrize("window", ["start=2024-11-15", "start=2024-11-15T14:31:00Z&end=2024-11-18T20:59:00Z"])
def test_the_pages_are_the_window(client: APIClient, limit: int, window: str) -> None:
    a_day(date=FRIDAY)
    a_day()
    whole = client.get(f"{MINUTES}&{window}").json()["bars"]
    pages, address = [], f"{MINUTES}&{window}&limit={limit}"
    while address:
        page = client.get(address)
        pages.append(page.json()["bars"])
        address = page.json()["next"]
        assert bool(address) == page.has_header("Link")
    assert [bar for page in pages for bar in page] == whole
    assert all(len(page) == limit for page in pages[:-1])


def test_a_page_goes_on_in_the_dataset_it_began_in(client: APIClient) -> None:
    a_day()
    assert "dataset=paper" in client.get(f"{MINUTES}&limit=10").json()["next"]


# --- wider bars --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("interval", "count"), [("5m", 78), ("15m", 26), ("1h", 7), ("1d", 1), ("7m", 56)])
def test_the_store_makes_wider_bars_from_the_minutes(client: APIClient, interval: str, count: int) -> None:
    a_day()
    bars = client.get(f"{MINUTES}&interval={interval}").json()["bars"]
    assert len(bars) == count
    assert bars[0]["open"] == 100.0
    assert bars[-1]["close"] == 103.89
    assert bars[-1]["end"] == "2024-11-18T21:00:00Z"
    assert sum(bar["volume"] for bar in bars) == sum(range(1, 390))


def test_extended_hours_have_no_wider_bars(client: APIClient) -> None:
    a_day(scope=Scope.EXTENDED)
    assert_problem(client.get(f"{MINUTES}&interval=5m&scope=extended"), 400, "No dataset has 5m bars of AAPL")


# --- a session's days --------------------------------------------------------------------------------


def a_session_on_its_second_day() -> Any:
    session = a_session("AAPL", minutes=30)
    session.start_date = FRIDAY
    session.save()
    friday = a_day(date=FRIDAY, dataset=session.dataset)
    pin(session, 2, FRIDAY, bars={"AAPL": friday.pk})
    return session


@pytest.mark.parametrize(
    ("window", "count"),
    [
        pytest.param("", 30, id="the current day"),
        pytest.param("&start=2024-11-15", 420, id="from the first day on"),
        pytest.param("&start=2024-11-15&end=2024-11-15", 390, id="the first day"),
        pytest.param("&end=2024-11-15T14:35:00Z", 5, id="up to a moment"),
        pytest.param("&start=2024-11-15T20:58:00Z&end=2024-11-18T14:32:00Z", 4, id="over the night"),
        pytest.param("&start=2024-11-18&end=2199-12-31", 30, id="the future is not there yet"),
        pytest.param("&start=2025-01-01", 0, id="only the future"),
        pytest.param("&start=1900-01-01&limit=7", 7, id="the latest seven"),
    ],
)
def test_the_session_goes_back_over_its_days(client: APIClient, window: str, count: int) -> None:
    session = a_session_on_its_second_day()
    body = client.get(f"/api/sessions/{session.pk}/bars/?symbol=AAPL{window}").json()
    assert len(body["bars"]) == count
    assert all(bar["end"] <= body["clock"] for bar in body["bars"])


@pytest.mark.parametrize("interval", ["1m", "5m", "15m"])
def test_the_session_shows_what_session_data_shows(client: APIClient, interval: str) -> None:
    session = a_session("AAPL", minutes=47)
    shown = client.get(f"/api/sessions/{session.pk}/bars/?symbol=AAPL&interval={interval}").json()["bars"]
    assert shown == get_session_data(session).bars("AAPL", interval)


# --- fractions ---------------------------------------------------------------------------------------


def test_volumes_have_fractions_where_the_feed_has_them_and_no_decimal_point_elsewhere(client: APIClient) -> None:
    volume = np.arange(390.0)
    volume[1:4] = [0.25, 1234.5, np.nan]
    a_day(bars=bars_of(DAY, volume=volume, trade_count=np.full(390, 3.0)))
    shown = client.get(MINUTES).content.decode()
    assert '"volume":0,"trade_count":3,' in shown and '"volume":0.25,"trade_count":3,' in shown
    assert '"volume":1234.5,' in shown and '"volume":null,' in shown and '"volume":4,' in shown
    lines = client.get(f"{MINUTES}&format=csv").content.decode().splitlines()
    amounts = [line.split(",")[lines[0].split(",").index("volume")] for line in lines[1:]]
    assert amounts[:5] == ["0", "0.25", "1234.5", "", "4"]
    assert list(Bar.objects.order_by("start").values_list("volume", flat=True))[:5] == [0.0, 0.25, 1234.5, None, 4.0]


# --- what a reader may keep --------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "csv"])
def test_an_unchanged_answer_is_not_sent_again(client: APIClient, form: str) -> None:
    a_day()
    first = client.get(f"{MINUTES}&format={form}")
    again = client.get(f"{MINUTES}&format={form}", HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert "private" in first["Cache-Control"]


def test_the_forms_have_tags_of_their_own(client: APIClient) -> None:
    a_day()
    assert client.get(MINUTES)["ETag"] != client.get(f"{MINUTES}&format=csv")["ETag"]


def test_a_new_version_of_a_day_is_sent(client: APIClient) -> None:
    day = a_day()
    tag = client.get(MINUTES)["ETag"]
    type(day).objects.filter(pk=day.pk).update(current=False)
    a_day(version=2)
    assert client.get(MINUTES, HTTP_IF_NONE_MATCH=tag).status_code == 200


def test_a_session_is_sent_again_when_its_clock_has_moved(client: APIClient) -> None:
    session = a_session(minutes=30)
    address = f"/api/sessions/{session.pk}/bars/?symbol=AAPL"
    tag = client.get(address)["ETag"]
    assert client.get(address, HTTP_IF_NONE_MATCH=tag).status_code == 304
    session.run.clock += dt.timedelta(minutes=1)
    session.run.save()
    assert len(client.get(address, HTTP_IF_NONE_MATCH=tag).json()["bars"]) == 31


# --- the table ---------------------------------------------------------------------------------------


def test_a_table_writes_numbers_as_json_does() -> None:
    n = np.array([np.nan])
    bars = BarColumns(np.array([0]), *(np.array([x]) for x in (0.1, 1e22, 1 / 3, 5.0)), n, np.array([2.0**53]), n)
    table = BarTable({"symbol": "A"}, bar_tokens(np.array([1731940200]), np.array([1731940260]), bars), {"next": None})
    expected = (
        b'{"symbol":"A","bars":[{"start":"2024-11-18T14:30:00Z","end":"2024-11-18T14:31:00Z","open":0.1,"high":1e+22,'
        b'"low":0.3333333333333333,"close":5.0,"volume":null,"trade_count":9007199254740992,"vwap":null}],"next":null}'
    )
    assert table.json() == expected
