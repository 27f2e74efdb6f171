"""The broker's trade socket: `/alpaca/stream` reports what becomes of an account's orders."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import msgpack
import orjson

from broker.account_writer import stream_of
from broker.accounts import account_id_of
from broker.models import Account
from gateway.callers import key_auth as keys
from gateway.trading.order_wire import trade_update
from gateway.wire import codecs
from gateway.wire.wire_errors import SERVERS_AWAY
from sessions import redis_client
from sessions.models import Run, SessionKey
from streaming.base.cancellation import end
from streaming.base.db import in_thread

log = logging.getLogger(__name__)
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

STREAM = "trade_updates"
AUTH_WITHIN_SECONDS = 30.0
REFUSAL_DELAY_SECONDS = 1.0
"""Clients come back at once, for ever: only a slow refusal slows them."""
LOOK_EVERY_MS = 1000
"""How often a socket without events sees whether its key still holds and the clock was moved."""
PAGE = 200
RETRY_AFTER_SECONDS = 0.5
NORMAL, GOING, ERROR = 1000, 1001, 1011


class TradeSocket:
    """One client. It says nothing before it is asked; frames are binary, as the broker's paper endpoint has them."""

    def __init__(
        self, scope: Mapping[str, Any], receive: Receive, send: Send, let_in: Callable[[TradeSocket], None]
    ) -> None:
        """`let_in` is called when its key has been accepted."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.packed = headers.get("content-type", "").startswith(codecs.MSGPACK_TYPE)
        self.address = (scope.get("client") or ("",))[0]
        self.receive, self.send, self.let_in = receive, send, let_in
        self.key: SessionKey | None = None
        self.account: Account | None = None
        self.listening = False
        self.following: asyncio.Task[None] | None = None

    async def run(self) -> None:
        reading = asyncio.create_task(self._read())
        try:
            await reading
        except SERVERS_AWAY:
            await self._fail("internal error")
        finally:
            await asyncio.gather(*(end(task) for task in (reading, self.following) if task))

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(AUTH_WITHIN_SECONDS):
                while self.key is None:
                    if not await self._hear():
                        return
        except TimeoutError:
            await self._fail("auth timeout")
            return
        while await self._hear():
            pass

    async def _hear(self) -> bool:
        """Take one message, or the end of what is followed; False when there are no more."""
        receiving = asyncio.ensure_future(self.receive())
        waiting = {receiving, self.following} if self.following else {receiving}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not receiving.done():
            receiving.cancel()
            if self.following:
                self.following.result()
            return False
        message = receiving.result()
        if message["type"] == "websocket.disconnect":
            return False
        try:
            said = codecs.decode(message)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            await self._fail("invalid syntax")
            return False
        await self._obey(said)
        return True

    async def _obey(self, said: Message) -> None:
        data = said.get("data") if isinstance(said.get("data"), dict) else {}
        match said.get("action"):
            case "authenticate" | "auth":
                await self._authenticate(said, cast("Message", data))
            case "listen" if self.key is None:
                await self._say("authorization", {"status": "unauthorized", "action": "listen"})
            case "listen":
                await self._listen(cast("Message", data).get("streams"))
            case other:
                await self._send({"action": "error", "data": {"error_message": f"unknown action {str(other)[:40]!r}"}})

    async def _authenticate(self, said: Message, data: Message) -> None:
        credentials = keys.Credentials(
            str(data.get("key_id") or said.get("key") or ""), str(data.get("secret_key") or said.get("secret") or "")
        )
        found = await in_thread(_admitted)(credentials, self.address)
        if found is None:
            await asyncio.sleep(REFUSAL_DELAY_SECONDS)
            await self._say("authorization", {"status": "unauthorized", "action": "authenticate"})
            return
        self.key, self.account = found
        self.let_in(self)
        await self._say("authorization", {"status": "authorized", "action": "authenticate"})

    async def _listen(self, streams: object) -> None:
        wanted = [STREAM] if isinstance(streams, list) and STREAM in streams else []
        if self.following and not wanted:
            await end(self.following)
            self.following = None
        if wanted and self.following is None:
            started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.following = asyncio.create_task(self._follow(started))
            await asyncio.wait({started, self.following}, return_when=asyncio.FIRST_COMPLETED)
        await self._say("listening", {"streams": wanted})
        self.listening = bool(wanted)

    async def _follow(self, started: asyncio.Future[None]) -> None:
        """Events from now on, until the clock is moved, the key ends or Redis does."""
        assert self.account is not None and self.key is not None
        account, key_id = self.account, self.key.pk
        client = redis_client.for_event_loop()
        try:
            generation = await in_thread(_generation)(account.session_id)
            stream = stream_of(account.session_id, account.pk, generation)
            newest = cast("list[Any]", await client.xrevrange(stream, count=1))
            at: Any = newest[0][0] if newest else "0-0"
            started.set_result(None)
            while True:
                try:
                    reply = cast("list[Any]", await client.xread({stream: at}, count=PAGE, block=LOOK_EVERY_MS) or [])
                    is_over = not reply and not await in_thread(_holds)(account.session_id, generation, key_id)
                except SERVERS_AWAY as error:  # waited for: what was read last is known, so nothing is lost
                    log.warning("The trade socket of account %s waits for %s", account.pk, error)
                    await asyncio.sleep(RETRY_AFTER_SECONDS)
                    continue
                for entry, fields in reply[0][1] if reply else []:
                    at = entry
                    await self._report(orjson.loads(fields[b"e"]), account)
                if is_over:
                    break
        finally:
            if not started.done():
                started.set_result(None)
            await client.aclose()
        await self.send({"type": "websocket.close", "code": GOING})

    async def _report(self, event: Message, account: Account) -> None:
        while not self.listening:  # what is heard comes after the answer that it is
            await asyncio.sleep(0)
        await self._send(trade_update(event, account.uuid))

    async def _say(self, stream: str, data: Message) -> None:
        await self._send({"stream": stream, "data": data})

    async def _send(self, payload: Message) -> None:
        packed = msgpack.packb(payload) if self.packed else orjson.dumps(payload)
        await self.send({"type": "websocket.send", "bytes": packed})

    async def _fail(self, reason: str) -> None:
        await asyncio.sleep(REFUSAL_DELAY_SECONDS)
        await self._send({"action": "error", "data": {"error_message": reason}})
        await self.send({"type": "websocket.close", "code": ERROR})


def _admitted(credentials: keys.Credentials, address: str) -> tuple[SessionKey, Account] | None:
    key = keys.of_socket(credentials, address)
    return (key, Account.objects.get(pk=account_id_of(key))) if key else None


def _generation(session_id: int) -> int:
    return Run.objects.values_list("generation", flat=True).get(pk=session_id)


def _holds(session_id: int, generation: int, key_id: int) -> bool:
    """Whether the clock was not moved, and the key not revoked."""
    return (
        _generation(session_id) == generation and SessionKey.objects.filter(pk=key_id, revoked_at__isnull=True).exists()
    )
