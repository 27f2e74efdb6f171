"""One client of the broker's data socket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from django.conf import settings

from gateway.callers import key_auth as keys
from gateway.sockets import channels as subscriptions
from gateway.sockets.bot_lockstep import BotLockstep
from gateway.sockets.channels import INVALID_SYNTAX, Channels, SocketError
from gateway.sockets.data_feed import Feed, Feeds
from gateway.sockets.outbox import Outbox, Send
from gateway.sockets.pings import unanswered_seconds
from gateway.wire import codecs
from gateway.wire.codecs import Message
from gateway.wire.wire_errors import SERVERS_AWAY
from streaming.base.cancellation import end
from streaming.base.db import in_thread
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.publishing.lockstep import NameTaken

Receive = Callable[[], Awaitable[Message]]

AUTH_WITHIN_SECONDS = 10.0
AUTH_AGAIN_WITHIN_SECONDS = 60.0
"""After a refusal for too many connections: clients try again on the same socket."""
REFUSAL_DELAY_SECONDS = 1.0
"""Clients of older versions come back at once, for ever: only a slow refusal slows them."""
DEAD_AFTER_SECONDS = 15.0
"""A ping unanswered for so long ends a socket that another one of its key waits for."""
POLICY = 1008
FEEDS = Feeds()


class Socket:
    """One client: a reading loop, and an outbox that another task empties."""

    def __init__(self, scope: dict[str, Any], receive: Receive, send: Send, let_in: Callable[[Socket], None]) -> None:
        """`let_in` is called when its key has been accepted."""
        self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.address = (scope.get("client") or ("",))[0]
        self.receive, self.send, self.let_in = receive, send, let_in
        self.codec = codecs.of_handshake(self.headers)
        self.channels = Channels()
        self.key_id = ""
        self.feed: Feed | None = None
        self.outbox = Outbox(send)
        self.deadline: asyncio.Timeout | None = None
        self.may_lockstep = False
        self.lockstep: BotLockstep | None = None
        self.holding = AsyncExitStack()

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
            await self.holding.aclose()
            await asyncio.gather(end(reading), end(writing))

    def _part(self) -> None:
        if self.feed:
            FEEDS.leave(self.feed, self)
        if self.key_id:
            FEEDS.free_slot(self.key_id, self)

    # --- what the feed does with it ------------------------------------------------------------------

    def put(self, messages: list[Message]) -> None:
        if not self.outbox.put(messages):
            self._fail(SocketError(407, "slow client"))

    def seen(self, frame_id: FrameId, *, something: bool) -> None:
        """A frame is in the outbox, as far as it holds something for this client."""
        if self.lockstep:
            self.lockstep.delivered(frame_id, something=something)

    def leave(self, code: int) -> None:
        self.outbox.close(code)

    @property
    def is_dead(self) -> bool:
        """Its network went, or its process stopped. One that computes for long looks alike, and yields as well."""
        return unanswered_seconds(self.send) > DEAD_AFTER_SECONDS

    def _send(self, payload: dict[str, Any]) -> None:
        self.put([self.codec.control(payload)])

    def _fail(self, error: SocketError) -> None:
        """Say why, and close."""
        self.outbox.close(POLICY, self.codec.control(error.payload))

    # --- what the client says ------------------------------------------------------------------------

    async def _read(self) -> None:
        self._send({"T": "success", "msg": "connected"})
        try:
            async with asyncio.timeout(AUTH_WITHIN_SECONDS) as self.deadline:
                if credentials := keys.from_headers(self.headers):
                    await self._authenticate(credentials)
                while not self.key_id and await self._hear():
                    pass
        except TimeoutError:
            self._fail(SocketError(404, "auth timeout"))
        except SERVERS_AWAY:
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
            self._send(error.payload)
        return not self.outbox.is_closing

    async def _obey(self, message: dict[str, Any]) -> None:
        match message.get("action"):
            case "auth" if self.key_id:
                raise SocketError(403, "already authenticated")
            case "auth":
                await self._authenticate(keys.from_message(message))
            case "subscribe" | "unsubscribe" if not self.key_id:
                raise SocketError(401, "not authenticated")
            case "ack" if self.lockstep:
                self.lockstep.handled()
            case "ack" if self.may_lockstep:
                pass  # before its first subscription there is nothing to answer
            case "ack":
                raise SocketError(410, "no lockstep: make a key with create_api_key --kind broker --lockstep")
            case "subscribe":
                await self._hold()
                self._subscribe(self.channels.adding(subscriptions.parse(message)))
            case "unsubscribe":
                self._subscribe(self.channels.without(subscriptions.parse(message)))
            case _:
                raise SocketError(*INVALID_SYNTAX)

    async def _authenticate(self, credentials: keys.Credentials) -> None:
        key = await in_thread(keys.of_socket)(credentials, self.address)
        if key is None:
            await asyncio.sleep(REFUSAL_DELAY_SECONDS)
            self._fail(SocketError(402, "auth failed"))
        elif not FEEDS.take_slot(key.key_id, self, settings.ALPACA_CONNECTIONS_PER_KEY):
            await asyncio.sleep(REFUSAL_DELAY_SECONDS)
            if self.deadline:
                self.deadline.reschedule(asyncio.get_running_loop().time() + AUTH_AGAIN_WITHIN_SECONDS)
            raise SocketError(406, "connection limit exceeded")
        else:
            self.key_id, self.may_lockstep = key.key_id, key.lockstep
            self.let_in(self)
            self._send({"T": "success", "msg": "authenticated"})
            self.feed = FEEDS.join(key.session_id, self)

    async def _hold(self) -> None:
        """From its first subscription on the replay waits for a client whose key has lockstep."""
        if self.may_lockstep and self.lockstep is None and self.feed:
            self.lockstep = BotLockstep(self.feed.session_id, self.key_id, lambda: self.outbox.is_empty)
            try:
                await self.holding.enter_async_context(self.lockstep)
            except NameTaken as error:
                self.lockstep = None
                raise SocketError(406, str(error)) from None

    def _subscribe(self, wanted: Channels) -> None:
        """The acknowledgement is in the outbox before any data that the new channels bring."""
        if 0 < settings.ALPACA_SYMBOL_LIMIT < wanted.most:
            raise SocketError(405, "symbol limit exceeded")
        self.channels = wanted
        self._send(wanted.listed())


def _mapping(message: Message) -> dict[str, Any]:
    try:
        reported = codecs.decode(message)
    except ValueError:
        reported = None
    if not isinstance(reported, dict):
        raise SocketError(*INVALID_SYNTAX)
    return reported
