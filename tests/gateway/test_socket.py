"""One socket: what it is sent, and when it is closed. The client is in this process, and reads when the test does."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from django.db import OperationalError
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gateway.sockets import application, data_feed, data_socket, outbox, trade_socket
from gateway.sockets.channels import SocketError
from gateway.sockets.pings import unanswered_seconds
from sessions import keys
from sessions.models import SessionKey
from streaming.base.db import in_thread
from tests.streaming.rows import a_session

pytestmark = pytest.mark.django_db(transaction=True)
Message = dict[str, Any]


class Talk:
    """A client's side of an ASGI connection; `stuck` stops it from taking anything."""

    def __init__(self, path: str = "/alpaca/v2/iex", **headers: str) -> None:
        names = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        self.scope = {"type": "websocket", "path": path, "headers": names, "client": ("127.0.0.1", 1)}
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.outbox: asyncio.Queue[Message] = asyncio.Queue()
        self.free = asyncio.Event()
        self.free.set()

    async def send(self, message: Message) -> None:
        await self.free.wait()
        await self.outbox.put(message)

    async def say(self, **reported: Any) -> None:
        await self.inbox.put({"type": "websocket.receive", "text": orjson.dumps(reported).decode()})

    async def hear(self) -> Message:
        message = await asyncio.wait_for(self.outbox.get(), 20)
        if message["type"] != "websocket.send":
            return message
        (reported,) = orjson.loads(message["text"])
        return dict(reported)


@asynccontextmanager
async def talking(talk: Talk) -> AsyncIterator[Talk]:
    await talk.inbox.put({"type": "websocket.connect"})
    task = asyncio.create_task(application.application(talk.scope, talk.inbox.get, talk.send))
    try:
        assert (await talk.hear())["type"] == "websocket.accept"
        assert await talk.hear() == {"T": "success", "msg": "connected"}
        yield talk
    finally:
        await talk.inbox.put({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(task, 20)


@pytest.fixture
def pair(transactional_db: None) -> dict[str, str]:
    key, secret = keys.create(a_session(), SessionKey.Kind.BROKER)
    return {"key": key.key_id, "secret": secret}


@pytest.fixture(autouse=True)
def no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (data_socket, application, trade_socket):
        monkeypatch.setattr(module, "REFUSAL_DELAY_SECONDS", 0.01)


async def test_a_key_in_the_handshake_is_enough(pair: dict[str, str]) -> None:
    talk = Talk(apca_api_key_id=pair["key"], apca_api_secret_key=pair["secret"])
    async with talking(talk):
        assert await talk.hear() == {"T": "success", "msg": "authenticated"}
        await talk.say(action="auth", **pair)
        assert (await talk.hear())["code"] == 403
    assert not data_socket.FEEDS.feeds and not data_socket.FEEDS.held, "whoever leaves leaves nothing behind"


async def test_a_second_socket_of_a_key_is_refused_and_may_try_again(pair: dict[str, str]) -> None:
    first, second = Talk(), Talk()
    async with talking(second):
        async with talking(first):
            await first.say(action="auth", **pair)
            assert (await first.hear())["msg"] == "authenticated"
            await second.say(action="auth", **pair)
            assert await second.hear() == {"T": "error", "code": 406, "msg": "connection limit exceeded"}
        await second.say(action="auth", **pair)
        assert (await second.hear())["msg"] == "authenticated"


async def test_a_wrong_secret_is_reported_so_and_let_go(pair: dict[str, str]) -> None:
    async with talking(Talk()) as talk:
        await talk.say(action="auth", key=pair["key"], secret="guess")
        assert await talk.hear() == {"T": "error", "code": 402, "msg": "auth failed"}
        assert (await talk.hear())["type"] == "websocket.close"


async def test_who_says_nothing_is_let_go(pair: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_socket, "AUTH_WITHIN_SECONDS", 0.2)
    async with talking(Talk()) as talk:
        assert await talk.hear() == {"T": "error", "code": 404, "msg": "auth timeout"}
        assert (await talk.hear())["type"] == "websocket.close"


async def test_subscriptions_are_bounded_and_named_well(pair: dict[str, str], settings: Any) -> None:
    settings.ALPACA_SYMBOL_LIMIT = 2
    async with talking(Talk()) as talk:
        await talk.say(action="subscribe", bars=["AAPL"])
        assert (await talk.hear())["code"] == 401
        await talk.say(action="auth", **pair)
        assert (await talk.hear())["msg"] == "authenticated"
        await talk.say(action="subscribe", bars=["AAPL", "MSFT"])
        assert (await talk.hear())["bars"] == ["AAPL", "MSFT"]
        await talk.say(action="subscribe", bars=["IBM"])
        assert (await talk.hear())["code"] == 405
        await talk.say(action="subscribe", news=["*"])
        assert (await talk.hear())["code"] == 410
        await talk.say(action="subscribe", bars=["not a symbol"])
        assert (await talk.hear())["code"] == 400
        await talk.say(action="unsubscribe", bars=["MSFT"], news=None)
        assert (await talk.hear())["bars"] == ["AAPL"], "what was refused changed nothing"


async def test_a_slow_client_is_reported_so_and_let_go_and_holds_up_nobody(
    pair: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MOST_BYTES", 1000)
    async with talking(Talk()) as talk:
        await talk.say(action="auth", **pair)
        assert (await talk.hear())["msg"] == "authenticated"
        (feed,) = data_socket.FEEDS.feeds.values()
        (member,) = feed.members
        talk.free.clear()
        for _ in range(100):
            member.put([member.codec.control({"T": "b", "S": "AAPL"})])
        talk.free.set()
        reported = [await talk.hear()]
        while reported[-1].get("type") != "websocket.close":
            reported.append(await talk.hear())
        assert reported[-2] == SocketError(407, "slow client").payload
        assert len(reported) < 10, "what it had not taken is dropped"


@pytest.mark.parametrize("path", ["/alpaca/v2/iex", "/alpaca/stream"])
async def test_sockets_without_a_key_are_bounded(pair: dict[str, str], settings: Any, path: str) -> None:
    settings.WEB_REQUESTS_WAITING = 1
    async with talking(Talk()) as first:
        refused, answered = Talk(path), Talk(path)
        answered.scope["extensions"] = {"websocket.http.response": {}}
        for talk in (refused, answered):
            await talk.inbox.put({"type": "websocket.connect"})
            await application.application(talk.scope, talk.inbox.get, talk.send)
        assert await refused.hear() == {"type": "websocket.close", "code": 1013}
        start = await answered.hear()
        assert (start["status"], start["headers"][0]) == (503, (b"retry-after", b"2"))
        await first.say(action="auth", **pair)
        assert (await first.hear())["msg"] == "authenticated"
        async with talking(Talk()):
            pass
    assert not application.NEWCOMERS


async def test_a_socket_ends_with_its_key(pair: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_feed, "LOOK_FOR_REVOKED", 0.1)
    async with talking(Talk()) as talk:
        await talk.say(action="auth", **pair)
        assert (await talk.hear())["msg"] == "authenticated"
        await in_thread(SessionKey.objects.filter(key_id=pair["key"]).delete)()
        assert await talk.hear() == {"type": "websocket.close", "code": 1008}


@pytest.mark.parametrize("path", ["/alpaca/v2/nope", "/alpaca/v1beta1/news", "/alpaca/"])
async def test_another_address_is_refused_in_the_handshake(path: str) -> None:
    talk = Talk(path)
    await talk.inbox.put({"type": "websocket.connect"})
    await application.application(talk.scope, talk.inbox.get, talk.send)
    assert (await talk.hear())["type"] == "websocket.close"


@pytest.mark.parametrize("path", ["/alpaca/v2/nope", "/alpaca/v2/iex"])
async def test_a_refused_handshake_is_slow(path: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client made 206 of them in 12 seconds."""
    monkeypatch.setattr(application, "REFUSAL_DELAY_SECONDS", 0.3)
    settings.WEB_REQUESTS_WAITING = 0
    talk = Talk(path)
    await talk.inbox.put({"type": "websocket.connect"})
    began = asyncio.get_running_loop().time()
    await application.application(talk.scope, talk.inbox.get, talk.send)
    assert asyncio.get_running_loop().time() - began >= 0.3


async def test_a_dead_socket_makes_room_for_its_key_and_one_that_answers_does_not(
    pair: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = 0.0
    monkeypatch.setattr(data_socket, "unanswered_seconds", lambda send: silent)
    async with talking(Talk()) as first, talking(Talk()) as second:
        await first.say(action="auth", **pair)
        assert (await first.hear())["msg"] == "authenticated"
        silent = data_socket.DEAD_AFTER_SECONDS - 1
        await second.say(action="auth", **pair)
        assert (await second.hear())["code"] == 406
        silent = data_socket.DEAD_AFTER_SECONDS + 1
        await second.say(action="auth", **pair)
        assert (await second.hear())["msg"] == "authenticated"
        assert await first.hear() == {"type": "websocket.close", "code": 1008}
    assert not data_socket.FEEDS.held


async def test_an_unanswered_ping_of_the_web_server_is_seen() -> None:
    """What is read of uvicorn's protocol is there in the version that is installed."""
    protocol = WebSocketsSansIOProtocol.__new__(WebSocketsSansIOProtocol)
    protocol.pending_ping_payload, protocol.ping_sent_at = None, 0.0
    assert unanswered_seconds(protocol.send) == 0
    protocol.pending_ping_payload, protocol.ping_sent_at = b"1", asyncio.get_running_loop().time() - 20
    assert unanswered_seconds(protocol.send) >= 20
    source = inspect.getsource(WebSocketsSansIOProtocol)
    assert "self.pending_ping_payload = " in source and "self.ping_sent_at = " in source


async def test_a_trade_socket_waits_for_a_database_that_is_away(
    pair: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def holds(*_: int) -> bool:
        looked.append(len(looked))
        if len(looked) < 3:
            raise OperationalError("couldn't get a connection after 5.00 sec")
        return True

    for name, value in (("_holds", holds), ("LOOK_EVERY_MS", 20), ("RETRY_AFTER_SECONDS", 0.01)):
        monkeypatch.setattr(trade_socket, name, value)
    talk = Talk("/alpaca/stream")
    await talk.inbox.put({"type": "websocket.connect"})
    task = asyncio.create_task(application.application(talk.scope, talk.inbox.get, talk.send))

    async def heard() -> Message:
        return dict(orjson.loads((await asyncio.wait_for(talk.outbox.get(), 20))["bytes"]))

    assert (await talk.hear())["type"] == "websocket.accept"
    await talk.say(action="auth", **pair)
    assert (await heard())["data"]["status"] == "authorized"
    await talk.say(action="listen", data={"streams": ["trade_updates"]})
    assert (await heard())["data"] == {"streams": ["trade_updates"]}
    while len(looked) < 5:
        await asyncio.sleep(0.01)
    await talk.say(action="hello")
    assert "hello" in (await heard())["data"]["error_message"]
    await talk.inbox.put({"type": "websocket.disconnect", "code": 1000})
    await asyncio.wait_for(task, 20)
