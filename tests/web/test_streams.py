"""Streams as a server sees them: Django decides, the stream goes past it, and no client stays for ever."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from config.django_handler import OneThreadHandler
from sessions import keys
from sessions.models import Session, SessionKey
from streaming.base.db import in_thread
from streaming.reading.hub import _hubs
from tests.streaming.paper import Paper
from tests.web.asgi_client import connected, event, http
from web.streams import sending, sse

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_stream_is_a_frame_per_event_and_goes_on_after_the_last_id(paper: Paper, token: dict[str, str]) -> None:
    paper.play(5)

    async def read() -> list[Any]:
        path = f"/api/sessions/{paper.session.pk}/stream/?symbols=aapl&intervals=1m"
        headers = {**token, "accept": "text/event-stream", "last-event-id": paper.out[2][0]}
        async with connected(http(path, headers)) as wire:
            begin = await wire.next()
            return [begin, *[event(await wire.text()) for _ in range(3)]]

    begin, state, *frames = asyncio.run(read())
    headers = dict(begin["headers"])
    assert begin["status"] == 200 and headers[b"content-type"].startswith(b"text/event-stream")
    assert (state[0], state[1]["events"][0]["type"]) == (None, "state")
    assert [(text, frame["hash"]) for text, frame in frames] == paper.out[3:5]
    assert [bar["symbol"] for _, frame in frames for bar in frame["events"]] == ["AAPL", "AAPL"]


def test_compression_neither_wraps_nor_buffers_a_stream(paper: Paper, token: dict[str, str], settings: Any) -> None:
    settings.MIDDLEWARE = ["django.middleware.gzip.GZipMiddleware", *settings.MIDDLEWARE]
    django = OneThreadHandler()
    paper.play(3)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await sse.serve(django, scope, receive, send)

    async def read() -> tuple[dict[bytes, bytes], Any]:
        headers = {**token, "accept-encoding": "gzip, br"}
        async with connected(
            http(f"/api/sessions/{paper.session.pk}/stream/?from_start=1", headers, application)
        ) as wire:
            begin = dict((await wire.next())["headers"])
            await wire.text()
            return begin, [event(await wire.text())[0] for _ in range(3)]

    headers, ids = asyncio.run(read())
    assert b"content-encoding" not in headers and b"no-transform" in headers[b"cache-control"]
    assert ids == [frame_id for frame_id, _ in paper.out]


@pytest.mark.parametrize(
    ("path", "with_token", "status", "words"),
    [
        ("/api/sessions/{}/stream/", False, 401, "credentials"),
        ("/api/sessions/999/stream/", True, 404, "No Session"),
        ("/api/sessions/{}/stream/?symbols=ZZZ", True, 400, "ZZZ is not in this session: it has AAPL, MSFT."),
        ("/api/sessions/{}/stream/?intervals=7m", True, 400, "7m is not in this session"),
        ("/api/sessions/{}/stream/?after=yesterday", True, 400, "'yesterday' is not a cursor"),
        ("/api/sessions/{}/stream/?window=1000", True, 400, "100"),
    ],
)
def test_refusals_are_djangos_own(
    paper: Paper, token: dict[str, str], path: str, with_token: bool, status: int, words: str
) -> None:
    async def ask() -> tuple[int, bytes]:
        async with connected(http(path.format(paper.session.pk), token if with_token else {})) as wire:
            return (await wire.next())["status"], (await wire.next())["body"]

    answer, body = asyncio.run(ask())
    assert answer == status and words in body.decode()


def test_a_session_key_opens_its_own_stream_and_no_other(paper: Paper) -> None:
    paper.play(1)
    key, secret = keys.create(paper.session, SessionKey.Kind.READER)
    other = Session.objects.create(
        dataset=paper.session.dataset, start_date=paper.session.start_date, end_date=paper.session.end_date
    )
    headers = {"authorization": f"Bearer {key.key_id}.{secret}"}

    async def ask(pk: int) -> int:
        async with connected(http(f"/api/sessions/{pk}/stream/", headers)) as wire:
            return int((await wire.next())["status"])

    assert asyncio.run(ask(paper.session.pk)) == 200
    assert asyncio.run(ask(other.pk)) == 403


def test_who_has_left_leaves_nothing_behind(paper: Paper, token: dict[str, str]) -> None:
    paper.play(3)

    async def leave() -> int:
        async with connected(http(f"/api/sessions/{paper.session.pk}/stream/", token)) as wire:
            await wire.next()
            await wire.text()
            assert len(_hubs) == 1
        return len(_hubs)

    assert asyncio.run(leave()) == 0


def test_a_browser_that_comes_back_after_the_end_is_reported_to_stay_away(paper: Paper, token: dict[str, str]) -> None:
    last = paper.complete()[-1][0]

    async def ask() -> int:
        wire = http(f"/api/sessions/{paper.session.pk}/stream/", {**token, "last-event-id": last})
        async with connected(wire):
            return int((await wire.next())["status"])

    assert asyncio.run(ask()) == 204


def test_only_a_socket_that_takes_nothing_is_dropped(
    paper: Paper, token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SILENT_FOR", 0.3)
    path = f"/api/sessions/{paper.session.pk}/stream/?from_start=1"
    paper.play(2)

    async def read() -> list[str | None]:
        stuck = http(path, token)
        stuck.start()
        await stuck.text()
        stuck.stuck = True
        async with connected(http(path, token)) as healthy:
            begin, state = await healthy.text(), await healthy.text()
            assert begin == "" and event(state)[0] is None
            whole = await in_thread(paper.complete)()
            got = [event(await healthy.text())[0] for _ in range(len(whole))]
        await asyncio.wait_for(stuck.task, 20)
        return got

    assert asyncio.run(read()) == [frame_id for frame_id, _ in paper.out]
