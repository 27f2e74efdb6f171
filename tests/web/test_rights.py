"""Streams end within seconds of the right to read them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as Login
from django.db import connections
from django.test import AsyncClient, Client
from django.urls import reverse
from rest_framework.authtoken.models import Token

from sessions import keys
from streaming.base.db import in_thread
from tests.streaming.paper import Paper
from tests.web.asgi_client import Wire, connected, http, received, socket
from web.streams import rights

pytestmark = pytest.mark.django_db(transaction=True)
WITHIN_SECONDS = 10


@pytest.fixture(autouse=True)
def looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights, "LOOK_EVERY_SECONDS", 0.1)


def revoke(key_id: str) -> Callable[[], Any]:
    return lambda: keys.revoke(key_id)


def deactivate() -> None:
    User.objects.filter(username="viewer").update(is_active=False)


def take_the_permission() -> None:
    User.objects.get(username="viewer").user_permissions.clear()


def take_the_token() -> None:
    Token.objects.filter(user__username="viewer").delete()


async def ended_by(wire: Wire, change: Callable[[], Any]) -> list[dict[str, Any]]:
    """What is sent once the stream flows and the change is made, until the stream is over."""
    await asyncio.sleep(0.4)
    assert not wire.task.done(), "it ends only with the right"
    while not wire.sent.empty():
        wire.sent.get_nowait()
    await in_thread(change)()
    await asyncio.wait_for(asyncio.shield(wire.task), WITHIN_SECONDS)
    return [wire.sent.get_nowait() for _ in range(wire.sent.qsize())]


@pytest.mark.parametrize(
    "change", [deactivate, take_the_permission, take_the_token], ids=lambda change: change.__name__
)
def test_a_stream_ends_with_its_accounts_right(paper: Paper, token: dict[str, str], change: Callable[[], Any]) -> None:
    paper.play(3)

    async def read() -> dict[str, Any]:
        async with connected(http(f"/api/sessions/{paper.session.pk}/stream/", token)) as wire:
            return (await ended_by(wire, change))[-1]

    last = asyncio.run(read())
    assert last["more_body"] is False and b"the right to read this session has ended" in last["body"]


def test_a_socket_ends_with_its_key(paper: Paper) -> None:
    paper.play(3)
    key, secret = keys.create(paper.session)

    async def read() -> dict[str, Any]:
        headers = {"authorization": f"Bearer {key.key_id}.{secret}"}
        wire = socket(f"/ws/sessions/{paper.session.pk}/", headers)
        wire.incoming.put_nowait({"type": "websocket.connect"})
        async with connected(wire):
            await wire.next()
            await received(wire)
            return (await ended_by(wire, revoke(key.key_id)))[-1]

    assert asyncio.run(read())["code"] == 1008


def test_other_streams_go_on(paper: Paper, token: dict[str, str]) -> None:
    paper.play(3)
    key, secret = keys.create(paper.session)

    async def read() -> bool:
        path = f"/api/sessions/{paper.session.pk}/stream/"
        bearer = {"authorization": f"Bearer {key.key_id}.{secret}"}
        async with connected(http(path, bearer)) as revoked, connected(http(path, token)) as other:
            await ended_by(revoked, revoke(key.key_id))
            await asyncio.sleep(0.4)
            return other.task.done()

    assert asyncio.run(read()) is False


def log_out() -> None:
    Login.objects.all().delete()


def change_the_password() -> None:
    boss = User.objects.get(username="boss")
    boss.set_password("another")
    boss.save()


@pytest.mark.parametrize("change", [log_out, change_the_password], ids=lambda change: change.__name__)
def test_a_live_page_ends_with_its_login(paper: Paper, change: Callable[[], Any]) -> None:
    paper.play(3)
    User.objects.create_superuser("boss", password="secret")
    browser = Client()
    browser.login(username="boss", password="secret")

    async def read() -> None:
        client = AsyncClient()
        client.cookies = browser.cookies
        answer: Any = await client.get(reverse("admin:replay_session_feed", args=[paper.session.pk]))
        async with asyncio.timeout(WITHIN_SECONDS), aclosing(answer.streaming_content) as lines:
            await anext(lines)
            await in_thread(change)()
            async for _ in lines:
                pass
        await sync_to_async(connections.close_all)()  # of the thread in which the client ran the view

    asyncio.run(read())
