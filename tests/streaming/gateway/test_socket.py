"""One socket: what it is told, and when it is let go. The client is in this process, and reads when the test does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from sessions import keys
from sessions.models import SessionKey
from streaming.gateway import socket
from streaming.gateway.channels import SocketError
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

    async def say(self, **told: Any) -> None:
        await self.inbox.put({"type": "websocket.receive", "text": orjson.dumps(told).decode()})

    async def hear(self) -> Message:
        message = await asyncio.wait_for(self.outbox.get(), 20)
        if message["type"] != "websocket.send":
            return message
        (told,) = orjson.loads(message["text"])
        return dict(told)


@asynccontextmanager
async def talking(talk: Talk) -> AsyncIterator[Talk]:
    await talk.inbox.put({"type": "websocket.connect"})
    task = asyncio.create_task(socket.application(talk.scope, talk.inbox.get, talk.send))
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
    monkeypatch.setattr(socket, "REFUSAL_DELAY", 0.01)


async def test_a_key_in_the_handshake_is_enough(pair: dict[str, str]) -> None:
    talk = Talk(apca_api_key_id=pair["key"], apca_api_secret_key=pair["secret"])
    async with talking(talk):
        assert await talk.hear() == {"T": "success", "msg": "authenticated"}
        await talk.say(action="auth", **pair)
        assert (await talk.hear())["code"] == 403
    assert not socket.FEEDS.feeds and not socket.FEEDS.held, "whoever leaves leaves nothing behind"


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


async def test_a_wrong_secret_is_told_so_and_let_go(pair: dict[str, str]) -> None:
    async with talking(Talk()) as talk:
        await talk.say(action="auth", key=pair["key"], secret="guess")
        assert await talk.hear() == {"T": "error", "code": 402, "msg": "auth failed"}
        assert (await talk.hear())["type"] == "websocket.close"


async def test_who_says_nothing_is_let_go(pair: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "AUTH_WITHIN", 0.2)
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


async def test_a_slow_client_is_told_so_and_let_go_and_holds_up_nobody(
    pair: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "OUTBOX_BYTES", 1000)
    async with talking(Talk()) as talk:
        await talk.say(action="auth", **pair)
        assert (await talk.hear())["msg"] == "authenticated"
        (feed,) = socket.FEEDS.feeds.values()
        (member,) = feed.members
        talk.free.clear()
        for _ in range(100):
            member.put([member.codec.control({"T": "b", "S": "AAPL"})])
        talk.free.set()
        told = [await talk.hear()]
        while told[-1].get("type") != "websocket.close":
            told.append(await talk.hear())
        assert told[-2] == SocketError(407, "slow client").told
        assert len(told) < 10, "what it had not taken is dropped"


@pytest.mark.parametrize("path", ["/alpaca/v2/nope", "/alpaca/v1beta1/news", "/alpaca/"])
async def test_another_address_is_refused_in_the_handshake(path: str) -> None:
    talk = Talk(path)
    await talk.inbox.put({"type": "websocket.connect"})
    await socket.application(talk.scope, talk.inbox.get, talk.send)
    assert (await talk.hear())["type"] == "websocket.close"
