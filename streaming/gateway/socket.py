"""The broker's data socket: a plain ASGI application for /alpaca/v2/iex, /sip and /test."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.db import OperationalError

from sessions.models import SessionKey
from streaming.db import in_thread
from streaming.ending import end
from streaming.gateway import channels as subscriptions
from streaming.gateway import codecs, keys, throttle
from streaming.gateway.channels import INVALID_SYNTAX, Channels, SocketError
from streaming.gateway.codecs import Message
from streaming.gateway.errors import GatewayError
from streaming.gateway.feed import Feed, Feeds

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ADDRESS = re.compile(r"/+alpaca/+v2/(iex|sip|test|delayed_sip)/?")
AUTH_WITHIN = 10.0
AUTH_AGAIN_WITHIN = 60.0
"""After a refusal for too many connections: clients try again on the same socket."""
REFUSAL_DELAY = 1.0
"""Clients of older versions come back at once, for ever: only a slow refusal slows them."""
OUTBOX_BYTES = 32 << 20
SLOW_GRACE = 30.0
NORMAL, POLICY = 1000, 1008
FEEDS = Feeds()


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    await receive()
    if not ADDRESS.fullmatch(scope["path"]):
        await send({"type": "websocket.close", "code": NORMAL})
        return
    await send({"type": "websocket.accept"})
    await Socket(scope, receive, send).run()


class Socket:
    """One client: a reading loop, and an outbox that another task empties."""

    def __init__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.address = (scope.get("client") or ("",))[0]
        self.receive, self.send = receive, send
        self.codec = codecs.of_handshake(self.headers)
        self.channels = Channels()
        self.key_id = ""
        self.feed: Feed | None = None
        self.outbox = Outbox(send)
        self.deadline: asyncio.Timeout | None = None

    async def run(self) -> None:
        writing = self.outbox.start()
        reading = asyncio.create_task(self._read())
        try:
            await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
                if self.outbox.is_closing:
                    await asyncio.wait({writing})
        finally:
            self._part()
            await asyncio.gather(end(reading), end(writing))

    def _part(self) -> None:
        if self.feed:
            FEEDS.leave(self.feed, self)
        if self.key_id:
            FEEDS.free_slot(self.key_id)

    # --- what the feed does with it ------------------------------------------------------------------

    def put(self, messages: list[Message]) -> None:
        if not self.outbox.put(messages):
            self._fail(SocketError(407, "slow client"))

    def leave(self, code: int) -> None:
        self.outbox.close(code)

    def _tell(self, told: dict[str, Any]) -> None:
        self.put([self.codec.control(told)])

    def _fail(self, error: SocketError) -> None:
        """Say why, and close."""
        self.outbox.close(POLICY, self.codec.control(error.told))

    # --- what the client says ------------------------------------------------------------------------

    async def _read(self) -> None:
        self._tell({"T": "success", "msg": "connected"})
        try:
            async with asyncio.timeout(AUTH_WITHIN) as self.deadline:
                if credentials := keys.from_headers(self.headers):
                    await self._authenticate(credentials)
                while not self.key_id and await self._hear():
                    pass
        except TimeoutError:
            self._fail(SocketError(404, "auth timeout"))
        except OperationalError:
            self._fail(SocketError(500, "internal error"))
        while self.key_id and not self.outbox.is_closing and await self._hear():
            pass

    async def _hear(self) -> bool:
        """Take one message; False when there are no more."""
        message = await self.receive()
        if message["type"] == "websocket.disconnect" or self.outbox.is_closing:
            return False
        try:
            await self._obey(_mapping(message))
        except SocketError as error:
            self._tell(error.told)
        return not self.outbox.is_closing

    async def _obey(self, message: dict[str, Any]) -> None:
        match message.get("action"):
            case "auth" if self.key_id:
                raise SocketError(403, "already authenticated")
            case "auth":
                await self._authenticate(keys.from_message(message))
            case "subscribe" | "unsubscribe" if not self.key_id:
                raise SocketError(401, "not authenticated")
            case "subscribe":
                self._subscribe(self.channels.adding(subscriptions.parse(message)))
            case "unsubscribe":
                self._subscribe(self.channels.without(subscriptions.parse(message)))
            case _:
                raise SocketError(*INVALID_SYNTAX)

    async def _authenticate(self, credentials: keys.Credentials) -> None:
        key = await in_thread(_checked)(credentials, self.address)
        if key is None:
            await asyncio.sleep(REFUSAL_DELAY)
            self._fail(SocketError(402, "auth failed"))
        elif not FEEDS.take_slot(key.key_id, settings.ALPACA_CONNECTIONS_PER_KEY):
            await asyncio.sleep(REFUSAL_DELAY)
            if self.deadline:
                self.deadline.reschedule(asyncio.get_running_loop().time() + AUTH_AGAIN_WITHIN)
            raise SocketError(406, "connection limit exceeded")
        else:
            self.key_id = key.key_id
            self._tell({"T": "success", "msg": "authenticated"})
            self.feed = FEEDS.join(key.session_id, self)

    def _subscribe(self, wanted: Channels) -> None:
        """The acknowledgement is in the outbox before any data that the new channels bring."""
        if 0 < settings.ALPACA_SYMBOL_LIMIT < wanted.most:
            raise SocketError(405, "symbol limit exceeded")
        self.channels = wanted
        self._tell(wanted.listed())


class Outbox:
    """Messages on their way to a client, bounded by bytes: nobody else waits for it."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.waiting: deque[Message] = deque()
        self.bytes = 0
        self.something = asyncio.Event()
        self.is_closing = False

    def start(self) -> asyncio.Task[None]:
        self.writing = asyncio.create_task(self._empty())
        return self.writing

    def put(self, messages: list[Message]) -> bool:
        """False where the client has left too much unread."""
        if self.is_closing:
            return True
        self.waiting.extend(messages)
        self.bytes += sum(map(_size, messages))
        self.something.set()
        return self.bytes <= OUTBOX_BYTES

    def close(self, code: int, last: Message | None = None) -> None:
        """What waits is dropped where a last word is to be said."""
        if self.is_closing:
            return
        self.is_closing = True
        if last:
            self.waiting.clear()
            self.waiting.append(last)
        self.waiting.append({"type": "websocket.close", "code": code})
        self.something.set()
        asyncio.get_running_loop().call_later(SLOW_GRACE, self.writing.cancel)

    async def _empty(self) -> None:
        """Until the client is gone, or what closes the socket is out."""
        while True:
            while self.waiting:
                message = self.waiting.popleft()
                self.bytes -= _size(message)
                try:
                    await self.send(message)
                except OSError:
                    return
                if message["type"] == "websocket.close":
                    return
            self.something.clear()
            await self.something.wait()


def _size(message: Message) -> int:
    return len(message.get("bytes") or message.get("text") or "")


def _mapping(message: Message) -> dict[str, Any]:
    try:
        told = codecs.decode(message)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise SocketError(*INVALID_SYNTAX)
    return told


def _checked(credentials: keys.Credentials, address: str) -> SessionKey | None:
    try:
        throttle.refuse_guessers(address)
        key = keys.check(credentials)
        if key is None:
            throttle.guess(address)
    except GatewayError:
        return None
    return key
