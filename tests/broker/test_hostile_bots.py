"""Whatever a bot sends gets an answer in the broker's form, and changes nothing that it should not."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from django.test import Client

from broker import accounts
from broker.models import Order, Request
from tests.gateway.bots import (
    Bot,
    bot,  # noqa: F401 - a key to a session that is played by hand
)

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESSES = [
    *("account", "account/configurations", "account/activities", "account/activities/FILL"),
    *("account/portfolio/history", "orders", "orders/1", "orders:by_client_order_id", "positions", "positions/AAPL"),
    *("watchlists", "watchlists/1", "watchlists:by_name", "watchlists/1/AAPL"),
]
HOSTILE = {
    "a NUL": "%00",
    "a long text": "x" * 5000,
    "a negative number": "-1",
    "a huge number": "9" * 400,
    "an exponent": "1e400",
    "a broken escape": "%ff%fe",
}
PARAMETERS = (
    *("status", "limit", "after", "until", "direction", "nested", "symbols", "side", "before_order_id"),
    *("client_order_id", "activity_types", "category", "order_id", "date", "page_size", "page_token", "period"),
    *("timeframe", "start", "end", "name", "qty", "percentage", "cancel_orders"),
)
BODIES: dict[str, str] = {
    "deep": "[" * 100_000,
    "deep objects": '{"a":' * 100_000,
    "a NUL in the symbol": '{"symbol": "A\\u0000", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}',
    "a NUL in the id": json.dumps({"client_order_id": "\0"}),
    "a lone surrogate": '{"symbol": "\\ud800"}',
    "lists for words": json.dumps({"symbol": [], "side": {}, "type": [], "time_in_force": {}, "qty": []}),
    "objects for numbers": json.dumps({"qty": {"a": 1}, "limit_price": [1], "notional": True}),
    "a huge quantity": json.dumps(
        {"symbol": "AAPL", "qty": "1e999999", "side": "buy", "type": "market", "time_in_force": "day"}
    ),
    "a tiny quantity": json.dumps(
        {"symbol": "AAPL", "qty": "1e-999999", "side": "buy", "type": "market", "time_in_force": "day"}
    ),
    "a tiny trail": json.dumps(
        {
            "symbol": "AAPL",
            "qty": 1,
            "side": "sell",
            "type": "trailing_stop",
            "trail_price": "1e-300",
            "time_in_force": "day",
        }
    ),
    "a long symbol": json.dumps({"symbol": "A" * 5000, "qty": 1, "side": "buy", "type": "market"}),
    "words for objects": json.dumps({"take_profit": "x", "stop_loss": 1, "symbols": "AAPL", "name": {}}),
    "not UTF-8": "\udcff\udcfe",
}


def answered(answer: Any) -> None:
    assert answer.status_code < 500, answer.content[:200]
    if answer.status_code >= 400:
        assert answer.json()["message"], answer.content[:200]


@pytest.mark.parametrize("address", ADDRESSES)
def test_parameters_of_any_kind_are_answered(bot: Bot, address: str) -> None:  # noqa: F811
    client = Client(raise_request_exception=False)
    for name, value in itertools.product(PARAMETERS, ("%00", "9" * 400, "%ff%fe")):
        answered(client.get(f"/alpaca/v2/{address}?{name}={value}", headers=bot.headers))


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_paths_of_any_kind_are_answered(bot: Bot, value: str) -> None:  # noqa: F811
    client = Client(raise_request_exception=False)
    for address in ("orders", "positions", "watchlists", "account/activities"):
        for method in ("get", "delete", "patch", "post", "put"):
            answered(getattr(client, method)(f"/alpaca/v2/{address}/{value}", headers=bot.headers))


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_bodies_of_any_kind_are_refused_and_change_nothing(bot: Bot, body: str) -> None:  # noqa: F811
    client = Client(raise_request_exception=False)
    raw = body.encode("utf-8", "surrogateescape")
    for method, address in (
        ("post", "orders"),
        ("patch", "orders/00000000-0000-0000-0000-000000000000"),
        ("patch", "account/configurations"),
        ("post", "watchlists"),
        ("put", "watchlists/1"),
    ):
        answer = getattr(client, method)(
            f"/alpaca/v2/{address}", data=raw, content_type="application/json", headers=bot.headers
        )
        answered(answer)
        if address != "account/configurations":
            assert answer.status_code >= 400
    assert not Order.objects.exists() and not Request.objects.exists()


def test_a_thousand_orders_are_a_thousand_clean_answers(bot: Bot) -> None:  # noqa: F811
    client = Client(raise_request_exception=False)
    body = {"symbol": "AAPL", "qty": 1, "side": "buy", "type": "limit", "limit_price": "1", "time_in_force": "day"}
    statuses = [
        client.post("/alpaca/v2/orders", body, content_type="application/json", headers=bot.headers).status_code
        for _ in range(300)
    ]
    assert set(statuses) == {200}
    numbers = list(Order.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, 301))
    assert accounts.Account.objects.count() == 1
