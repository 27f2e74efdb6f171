"""The WebSocket: selections that change, and pages of other sites."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from streaming.base.db import in_thread
from tests.streaming.paper import Paper
from tests.web.asgi_client import connected, post, received, socket

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_socket_subscribes_and_unsubscribes_per_symbol_and_interval(paper: Paper, token: dict[str, str]) -> None:
    paper.play(11)

    async def talk() -> list[Any]:
        wire = socket(f"/ws/sessions/{paper.session.pk}/?symbols=AAPL&intervals=5m", token)
        wire.incoming.put_nowait({"type": "websocket.connect"})
        async with connected(wire):
            assert (await wire.next())["type"] == "websocket.accept"
            got = [await received(wire), await received(wire)]
            post(wire, action="subscribe", symbols=["msft"], intervals=["1m"])
            got += [await received(wire), await received(wire)]
            post(wire, action="unsubscribe", symbols=["AAPL"])
            got += [await received(wire)]
            await in_thread(paper.play)(1)
            got += [await received(wire)]
            post(wire, action="unsubscribe", symbols=["ZZZ"])
            post(wire, action="dance")
            wire.incoming.put_nowait({"type": "websocket.receive", "bytes": b"{"})
            return [*got, *[await received(wire) for _ in range(3)]]

    snapshot, _, subscribed, caught_up, left, frame, *refusals = asyncio.run(talk())
    assert {(bar["symbol"], bar["interval"]) for bar in snapshot["events"][0]["bars"]} == {("AAPL", "5m")}
    assert subscribed["events"][0]["channels"] == [["AAPL", "5m"], ["MSFT", "1m"]]
    bars = caught_up["events"][0]["bars"]
    assert {(bar["symbol"], bar["interval"]) for bar in bars} == {("MSFT", "1m")} and len(bars) == 10
    assert left["events"][0]["channels"] == [["MSFT", "1m"]]
    assert frame["id"] == paper.out[11][0] and [bar["symbol"] for bar in frame["events"]] == ["MSFT"]
    assert frame["events"][0]["start"] == bars[-1]["end"], "no seam"
    words = [refusal["events"][0]["message"] for refusal in refusals]
    assert [text.split(":")[0] for text in words] == [
        "The session has no symbol ZZZ",
        "'dance' is no action",
        "That is no JSON",
    ]


@pytest.mark.parametrize(
    ("origin", "status"), [("http://testserver", 200), ("", 200), ("https://elsewhere.example", 403)]
)
def test_a_page_of_another_site_cannot_ride_on_the_cookie(paper: Paper, origin: str, status: int) -> None:
    User.objects.create_superuser("boss", password="secret")
    browser = Client()
    browser.login(username="boss", password="secret")
    headers = {"cookie": f"sessionid={browser.cookies['sessionid'].value}", **({"origin": origin} if origin else {})}

    async def connect() -> dict[str, Any]:
        wire = socket(f"/ws/sessions/{paper.session.pk}/", headers)
        wire.incoming.put_nowait({"type": "websocket.connect"})
        async with connected(wire):
            return await wire.next()

    first = asyncio.run(connect())
    assert first == {"type": "websocket.accept"} if status == 200 else first["status"] == status
