"""A broker key at our own API: it reads its session and trades its account, and that is all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from rest_framework.test import APIClient

from broker import accounts
from broker.accounts import Opening
from sessions import keys
from sessions.models import SessionKey
from tests.streaming.callers import assert_problem
from tests.streaming.paper import Paper
from tests.streaming.rows import a_session
from tests.web.asgi_client import connected, event, http

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paper() -> Paper:
    played = Paper("AAPL")
    played.play(3)
    accounts.create(played.session, Opening("other"))
    return played


def header_of(key: SessionKey, secret: str) -> str:
    return f"Bearer {key.key_id}.{secret}"


@pytest.fixture
def bearer(paper: Paper) -> str:
    key, secret, _ = accounts.create_key(paper.session, accounts.create(paper.session, Opening("swing")))
    return header_of(key, secret)


def caller(bearer: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=bearer)
    return client


ORDER = {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "limit", "limit_price": "1", "time_in_force": "day"}


def test_it_reads_its_session_and_trades_its_account(paper: Paper, bearer: str) -> None:
    client, base = caller(bearer), f"/api/sessions/{paper.session.pk}/"
    assert client.get(base).json()["id"] == paper.session.pk
    assert [row["name"] for row in client.get(f"{base}accounts/").json()] == ["swing"]
    placed = client.post(f"{base}accounts/swing/orders/", ORDER, format="json")
    assert placed.status_code == 201, placed.content
    assert [row["id"] for row in client.get(f"{base}accounts/swing/orders/").json()] == [placed.json()[0]["id"]]
    for part in ("", "positions/", "executions/", "activities/", "equity/"):
        assert client.get(f"{base}accounts/swing/{part}").status_code == 200, part


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "accounts/other/", None),
        ("post", "accounts/other/orders/", ORDER),
        ("delete", "accounts/other/positions/", None),
        ("post", "accounts/", {"name": "third"}),
        ("post", "pause/", None),
        ("get", "stream/?accounts=swing&lockstep=mine", None),
    ],
)
def test_it_does_nothing_else(paper: Paper, bearer: str, method: str, path: str, body: Any) -> None:
    client, base = caller(bearer), f"/api/sessions/{paper.session.pk}/"
    answer = getattr(client, method)(base + path, body, format="json") if body else getattr(client, method)(base + path)
    said = assert_problem(answer, 403)["detail"]
    wants = f"This key reads session {paper.session.pk} and trades its account swing, nothing else."
    assert said == wants or "lockstep" in said


def test_of_another_session_and_of_the_store_it_sees_nothing(paper: Paper, bearer: str) -> None:
    elsewhere = a_session("MSFT")
    accounts.create(elsewhere, Opening("swing"))
    client = caller(bearer)
    paths = (f"sessions/{elsewhere.pk}/", f"sessions/{elsewhere.pk}/accounts/swing/", "bars/?symbol=AAPL", "sessions/")
    for path in paths:
        assert client.get(f"/api/{path}").status_code == 403, path


def test_a_reader_key_sees_no_account(paper: Paper) -> None:
    client = caller(header_of(*keys.create(paper.session)))
    for path in ("accounts/", "accounts/other/", "stream/?accounts=*"):
        answer = client.get(f"/api/sessions/{paper.session.pk}/{path}")
        said = assert_problem(answer, 403)["detail"]
        reads = f"A key of session {paper.session.pk} reads that session and nothing else."
        assert said == f"{reads} An account needs a key of its own: create_api_key --kind broker."


def test_a_key_that_was_made_without_an_account_gets_one(paper: Paper) -> None:
    client = caller(header_of(*keys.create(paper.session, "broker")))
    [mine] = client.get(f"/api/sessions/{paper.session.pk}/accounts/").json()
    assert mine["name"] not in ("other", "swing") and mine["cash"] == "100000"


@pytest.mark.parametrize("asked", ["swing", "*"])
def test_its_stream_has_the_events_of_its_account_alone(paper: Paper, bearer: str, asked: str) -> None:
    path = f"/api/sessions/{paper.session.pk}/stream/?from_start=1&accounts="

    async def read(names: str) -> tuple[int, str]:
        async with connected(http(path + names, {"authorization": bearer})) as wire:
            begin = await wire.next()
            return begin["status"], "" if begin["status"] != 200 else (await wire.text())

    status, first = asyncio.run(read(asked))
    assert status == 200 and event(first)[1]["events"][0]["type"] == "state"
    assert asyncio.run(read("other"))[0] == 400, "as if it were not there"
