"""The streaming doors as a server sees them: Django decides, the stream goes past it, and nobody stays for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import Permission, User
from django.core.asgi import get_asgi_application
from django.test import Client
from rest_framework.authtoken.models import Token

from config.asgi import application
from sessions import keys
from sessions.models import Session, SessionKey
from streaming.db import in_thread
from streaming.doors import sending, sse
from streaming.engine.lockstep import Gate
from streaming.reading.hub import _hubs
from tests.streaming.paper import Paper

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paper(transactional_db: None) -> Paper:
    return Paper("AAPL", "MSFT")


@pytest.fixture
def token(paper: Paper) -> dict[str, str]:
    """Of somebody who may see sessions, and nothing else."""
    user = User.objects.create_user("viewer", password="secret")
    user.user_permissions.set(Permission.objects.filter(codename="view_session"))
    return {"authorization": f"Token {Token.objects.create(user=user).key}"}


class Wire:
    """A client's connection, without the sockets: what it sends, and what it was sent."""

    def __init__(self, door: Callable[..., Awaitable[None]], path: str, headers: dict[str, str], **scope: Any) -> None:
        path, _, query = path.partition("?")
        raw = [(name.encode(), value.encode()) for name, value in {"host": "testserver", **headers}.items()]
        given = {"path": path, "raw_path": path.encode(), "query_string": query.encode(), "headers": raw}
        self.scope = {"asgi": {"version": "3.0"}, "http_version": "1.1", "client": ("127.0.0.1", 1), **given, **scope}
        self.door, self.sent = door, asyncio.Queue[dict[str, Any]]()
        self.told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.stuck = False

    async def send(self, message: dict[str, Any]) -> None:
        if self.stuck:
            await asyncio.Event().wait()
        self.sent.put_nowait(message)

    def start(self) -> None:
        self.task = asyncio.ensure_future(self.door(self.scope, self.told.get, self.send))

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.sent.get(), 20)

    async def text(self) -> str:
        """The next piece of the body that is no comment."""
        while (body := (await self.next()).get("body", b"")).startswith(b":"):
            pass
        return body.decode()


def http(path: str, headers: dict[str, str], door: Any = application) -> Wire:
    return Wire(door, path, headers, type="http", method="GET", scheme="http")


def socket(path: str, headers: dict[str, str]) -> Wire:
    extensions = {"websocket.http.response": {}}
    return Wire(application, path, headers, type="websocket", scheme="ws", extensions=extensions, subprotocols=[])


@asynccontextmanager
async def connected(wire: Wire) -> Any:
    wire.start()
    try:
        yield wire
    finally:
        wire.told.put_nowait({"type": f"{wire.scope['type']}.disconnect"})
        await asyncio.wait_for(wire.task, 20)


def event(text: str) -> tuple[str | None, dict[str, Any]]:
    """(id, frame) of one server-sent event."""
    lines = dict(line.split(": ", 1) for line in text.strip().split("\n"))
    return lines.get("id"), orjson.loads(lines["data"])


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
    django = get_asgi_application()
    paper.play(3)

    async def door(scope: Any, receive: Any, send: Any) -> None:
        await sse.serve(django, scope, receive, send)

    async def read() -> tuple[dict[bytes, bytes], Any]:
        headers = {**token, "accept-encoding": "gzip, br"}
        async with connected(http(f"/api/sessions/{paper.session.pk}/stream/?from_start=1", headers, door)) as wire:
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


def test_a_browser_that_comes_back_after_the_end_is_told_to_stay_away(paper: Paper, token: dict[str, str]) -> None:
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


def test_a_socket_subscribes_and_unsubscribes_per_symbol_and_interval(paper: Paper, token: dict[str, str]) -> None:
    paper.play(11)

    async def talk() -> list[Any]:
        wire = socket(f"/ws/sessions/{paper.session.pk}/?symbols=AAPL&intervals=5m", token)
        wire.told.put_nowait({"type": "websocket.connect"})
        async with connected(wire):
            assert (await wire.next())["type"] == "websocket.accept"
            got = [await said(wire), await said(wire)]
            ask(wire, action="subscribe", symbols=["msft"], intervals=["1m"])
            got += [await said(wire), await said(wire)]
            ask(wire, action="unsubscribe", symbols=["AAPL"])
            got += [await said(wire)]
            await in_thread(paper.play)(1)
            got += [await said(wire)]
            ask(wire, action="unsubscribe", symbols=["ZZZ"])
            ask(wire, action="dance")
            wire.told.put_nowait({"type": "websocket.receive", "bytes": b"{"})
            return [*got, *[await said(wire) for _ in range(3)]]

    snapshot, _, subscribed, caught_up, left, frame, *refusals = asyncio.run(talk())
    assert {(bar["symbol"], bar["interval"]) for bar in snapshot["events"][0]["bars"]} == {("AAPL", "5m")}
    assert subscribed["events"][0]["wanted"] == [["AAPL", "5m"], ["MSFT", "1m"]]
    bars = caught_up["events"][0]["bars"]
    assert {(bar["symbol"], bar["interval"]) for bar in bars} == {("MSFT", "1m")} and len(bars) == 10
    assert left["events"][0]["wanted"] == [["MSFT", "1m"]]
    assert frame["id"] == paper.out[11][0] and [bar["symbol"] for bar in frame["events"]] == ["MSFT"]
    assert frame["events"][0]["start"] == bars[-1]["end"], "no seam"
    words = [refusal["events"][0]["message"] for refusal in refusals]
    assert [text.split(":")[0] for text in words] == [
        "The session has no symbol ZZZ",
        "'dance' is no action",
        "That is no JSON",
    ]


async def said(wire: Wire) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((await wire.next())["text"])
    return found


def ask(wire: Wire, **asked: Any) -> None:
    wire.told.put_nowait({"type": "websocket.receive", "text": orjson.dumps(asked).decode()})


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
        wire.told.put_nowait({"type": "websocket.connect"})
        async with connected(wire):
            return await wire.next()

    first = asyncio.run(connect())
    assert first == {"type": "websocket.accept"} if status == 200 else first["status"] == status


def test_a_socket_in_lockstep_holds_the_replay_until_it_acknowledges(paper: Paper, token: dict[str, str]) -> None:
    paper.play(3)
    gate = Gate(paper.bus.redis, paper.session.pk, lambda told: None)
    stream = f"tapedeck:{paper.session.pk}:frames:1"

    async def hold() -> list[int | None]:
        wire = socket(f"/ws/sessions/{paper.session.pk}/?after={paper.out[1][0]}&lockstep=bot", token)
        wire.told.put_nowait({"type": "websocket.connect"})
        async with connected(wire):
            await wire.next()
            while (await said(wire))["id"] is None:
                pass
            rooms = [await in_thread(gate.room)(stream, 1)]
            ask(wire, action="acknowledge", id=paper.out[2][0])
            ask(wire, action="acknowledge", id="1.9999999999999-0")
            refusal = await said(wire)
            assert "has not been sent yet" in refusal["events"][0]["message"]
            return [*rooms, await in_thread(gate.room)(stream, 1)]

    assert asyncio.run(hold()) == [0, 1]


def test_acknowledging_over_http_is_for_those_who_may_read(paper: Paper, token: dict[str, str]) -> None:
    paper.play(3)
    gate = Gate(paper.bus.redis, paper.session.pk, lambda told: None)
    address = f"/api/sessions/{paper.session.pk}/readers/bot/acknowledge/"

    def acknowledge(**headers: str) -> int:
        body = {"id": paper.out[2][0]}
        return int(Client(headers=headers).post(address, body, content_type="application/json").status_code)

    async def hold() -> list[Any]:
        path = f"/api/sessions/{paper.session.pk}/stream/?after={paper.out[1][0]}&lockstep=bot"
        async with connected(http(path, token)) as wire:
            for _ in range(3):
                await wire.text()
            room = await in_thread(gate.room)(f"tapedeck:{paper.session.pk}:frames:1", 1)
            statuses = [await in_thread(acknowledge)(), await in_thread(acknowledge)(**token)]
            return [room, *statuses, await in_thread(gate.room)(f"tapedeck:{paper.session.pk}:frames:1", 1)]

    assert asyncio.run(hold()) == [0, 401, 204, 1]
    assert acknowledge(**token) == 404, "it has left"
