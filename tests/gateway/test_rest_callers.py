"""Who may ask the broker's REST API, by which methods, how often, and from which pages."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.test import Client

from gateway.callers import throttle
from sessions import keys, minute_counter
from sessions.models import JournalEntry, SessionKey
from tests.gateway.bots import Bot

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("address", ["/v2/options/contracts", "/v2/wallets", "/v2/corporate_actions/announcements"])
def test_what_is_not_simulated_is_not_found(bot: Bot, address: str) -> None:
    assert bot.ask(address, 404)["message"]


@pytest.mark.parametrize(
    ("method", "address"),
    [
        *(("put", "/v2/orders"), ("post", "/v2/account"), ("delete", "/v2/account/activities")),
        *(("post", "/v2/stocks/bars?symbols=AAPL&timeframe=1Min"), ("put", "/v2/clock"), ("options", "/v2/assets")),
    ],
)
def test_a_method_that_an_address_has_not_is_refused_with_those_that_it_has(
    bot: Bot, method: str, address: str
) -> None:
    answer = getattr(Client(), method)(f"/alpaca{address}", headers=bot.headers)
    assert (answer.status_code, answer.json()["message"]) == (405, "method not allowed")
    assert "GET" in answer.headers["Allow"]


def test_unknown_addresses_are_answered_in_json_and_slashes_do_not_redirect(bot: Bot) -> None:
    assert bot.ask("/v2/stocks/definitely/not/here", 404)["code"] == 40410000
    assert bot.ask("//v2/clock")["is_open"] is True
    assert bot.ask("/v1beta1/news", 404)["message"] == "endpoint not found."


def test_a_defect_of_ours_is_reported_in_json(bot: Bot) -> None:
    JournalEntry.objects.create(session=bot.session, number=9, kind="admit", payload={})
    client = Client(raise_request_exception=False)
    answer = client.get("/alpaca/v2/stocks/bars/latest?symbols=AAPL", headers=bot.headers)
    assert (answer.status_code, answer.json()) == (500, {"code": 50010000, "message": "internal server error"})


@pytest.mark.parametrize("scheme", ["headers", "basic", "bearer"])
def test_a_key_may_be_sent_in_three_ways(bot: Bot, scheme: str) -> None:
    pair = f"{bot.key.key_id}:{bot.secret}"
    ways = {
        "headers": bot.headers,
        "basic": {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"},
        "bearer": {"Authorization": f"Bearer {pair.replace(':', '.')}"},
    }
    assert Client().get("/alpaca/v2/clock", headers=ways[scheme]).status_code == 200


def test_other_keys_open_nothing(bot: Bot) -> None:
    reader, secret = keys.create(bot.session, SessionKey.Kind.READER)
    wrong = [
        {},
        {"APCA-API-KEY-ID": bot.key.key_id},
        {"APCA-API-KEY-ID": bot.key.key_id, "APCA-API-SECRET-KEY": "guess"},
        {"APCA-API-KEY-ID": reader.key_id, "APCA-API-SECRET-KEY": secret},
        {"Authorization": "Basic nonsense"},
    ]
    for headers in wrong:
        answer = Client().get("/alpaca/v2/clock", headers=headers)
        assert (answer.status_code, answer.json()["message"]) == (401, "unauthorized")
    assert Client().get("/api/bars/?symbol=AAPL", headers=bot.headers).status_code in (401, 403)
    token = {"Authorization": f"Bearer {bot.key.key_id}.{bot.secret}"}
    assert Client().get("/api/bars/?symbol=AAPL", headers=token).status_code in (401, 403)


def test_a_key_that_asks_too_often_is_reported_so(bot: Bot, settings: Any) -> None:
    settings.ALPACA_REQUESTS_PER_MINUTE = 3
    answers = [Client().get("/alpaca/v2/clock", headers=bot.headers) for _ in range(9)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 3, "at most three in each of two minutes"
    assert refused[0].json() == {"code": 42910000, "message": "too many requests."}
    assert answers[0]["X-RateLimit-Limit"] == "3"


def test_who_guesses_keys_is_refused_even_with_the_right_one(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minute_counter, "WINDOW_SECONDS", 10**10)  # all guesses have to be in one minute
    for _ in range(throttle.FAILURES_A_MINUTE + 1):
        Client().get("/alpaca/v2/clock", headers={"APCA-API-KEY-ID": "PKGUESS"})
    assert Client().get("/alpaca/v2/clock", headers=bot.headers).status_code == 429


@pytest.mark.parametrize(("allowed", "header"), [(["https://page.example"], "https://page.example"), ([], None)])
def test_pages_of_the_named_origins_may_ask_from_a_browser(
    bot: Bot, settings: Any, allowed: list[str], header: str | None
) -> None:
    settings.ALPACA_CORS_ORIGINS = allowed
    asks = {"Origin": "https://page.example", "Access-Control-Request-Method": "POST"}
    before = Client().options("/alpaca/v2/orders", headers=asks)
    assert before.status_code == (204 if header else 401)
    assert before.headers.get("Access-Control-Allow-Origin") == header
    assert ("APCA-API-KEY-ID" in before.headers.get("Access-Control-Allow-Headers", "")) == bool(header)
    answer = Client().get("/alpaca/v2/clock", headers={**bot.headers, "Origin": "https://page.example"})
    assert (answer.status_code, answer.headers.get("Access-Control-Allow-Origin")) == (200, header)
    other = Client().get("/alpaca/v2/clock", headers={**bot.headers, "Origin": "https://other.example"})
    assert "Access-Control-Allow-Origin" not in other.headers
