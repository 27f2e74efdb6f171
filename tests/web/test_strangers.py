"""Addresses without credentials or with wrong ones, counted before authentication; and who is behind a proxy."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from config.proxies import as_seen, networks
from sessions.redis_client import connection as redis_connection
from tests.streaming.callers import assert_problem
from tests.web.asgi_client import connected, http
from tests.web.conftest import account
from tests.workers import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
WRONG = {"authorization": "Token 0123456789"}
PROXY = "10.0.0.7"


@pytest.fixture(autouse=True)
def rates(settings: Any) -> None:
    settings.API_RATES = {**settings.API_RATES, "stranger": 3, "login": 2}
    settings.TRUSTED_PROXIES = networks([PROXY, "172.16.0.0/12"])
    redis_connection().flushdb()


@pytest.mark.parametrize("headers", [{}, WRONG, {"authorization": "Bearer RKX.wrong"}], ids=["none", "token", "key"])
def test_a_stranger_is_refused_after_its_rate(headers: dict[str, str]) -> None:
    statuses = [Client(headers=headers).get("/api/sessions/").status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]


def test_a_guesser_is_not_even_looked_at_and_others_are() -> None:
    for _ in range(4):
        Client(headers=WRONG).get("/api/sessions/")
    answer = Client(headers=account("ada", "view_session")).get("/api/sessions/")
    assert_problem(answer, 429)
    assert int(answer["Retry-After"]) >= 1
    elsewhere = Client(headers=WRONG, REMOTE_ADDR="10.9.9.9").get("/api/sessions/")
    assert elsewhere.status_code == 401


def status_behind(proxy: str, forwarded: str, headers: dict[str, str]) -> int:
    async def ask() -> int:
        wire = http("/api/sessions/", {**headers, "x-forwarded-for": forwarded})
        wire.scope["client"] = (proxy, 1)
        wire.incoming.put_nowait({"type": "http.request", "body": b""})
        async with connected(wire):
            return int((await wire.next())["status"])

    return asyncio.run(ask())


def test_clients_behind_a_trusted_proxy_have_a_budget_each() -> None:
    assert [status_behind(PROXY, "1.1.1.1", WRONG) for _ in range(5)][-1] == 429
    assert status_behind(PROXY, "2.2.2.2", WRONG) == 401
    assert status_behind(PROXY, "9.9.9.9, 1.1.1.1", WRONG) == 429, "what a client has put there itself is not believed"


def test_a_proxy_that_is_not_trusted_is_a_client_like_any() -> None:
    assert [status_behind("10.0.0.8", f"1.1.1.{n}", WRONG) for n in range(5)][-1] == 429


@pytest.mark.parametrize(
    ("client", "passed", "seen"),
    [
        (PROXY, "1.1.1.1", "1.1.1.1"),
        (PROXY, "1.1.1.1, 172.16.3.4", "1.1.1.1"),
        (PROXY, "unknown", PROXY),
        (PROXY, "", PROXY),
        (PROXY, "::1", "::1"),
        ("8.8.8.8", "1.1.1.1", "8.8.8.8"),
    ],
)
def test_the_last_address_that_no_proxy_has_counts(client: str, passed: str, seen: str, settings: Any) -> None:
    scope = {"client": (client, 1), "scheme": "ws", "headers": [(b"x-forwarded-for", passed.encode())]}
    assert as_seen(scope, settings.TRUSTED_PROXIES)["client"][0] == seen


@pytest.mark.parametrize(("client", "scheme"), [(PROXY, "wss"), ("8.8.8.8", "ws")])
def test_the_scheme_is_a_trusted_proxys_to_say(client: str, scheme: str, settings: Any) -> None:
    scope = {"client": (client, 1), "scheme": "ws", "headers": [(b"x-forwarded-proto", b"https")]}
    assert as_seen(scope, settings.TRUSTED_PROXIES)["scheme"] == scheme


def test_production_believes_nobody_elses_word_that_a_request_came_by_tls() -> None:
    """Django's own setting for it would believe the header from anybody."""
    asked = "from django.conf import settings; print(settings.SECURE_PROXY_SSL_HEADER, settings.SECURE_SSL_REDIRECT)"
    environment = os.environ | {"PRODUCTION": "1", "SECRET_KEY": "x" * 60, "ALLOWED_HOSTS": "tape.example.org"}
    environment |= {"DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": "postgresql://a@b/c"}
    command = [sys.executable, "-c", asked]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["None", "True"]


def test_a_network_that_is_none_is_named() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"'10\.0\.0\.7/40': write addresses or networks"):
        networks(["10.0.0.7/40"])
