"""How many requests a web process works on at once: each takes a thread, and mostly a connection to Postgres.

The others wait in order, and not for ever; one whose client has left meanwhile is dropped. Streams are let in by their
handshake and then take no turn: a turn ends when the answer begins.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

import orjson

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

RETRY_AFTER_SECONDS = 2
MOST_BUFFERED_BYTES = 1 << 20
"""The most of a body that is kept while its request waits."""
FULL = "This server is busy: try again in a moment."


class RequestTurns:
    """An ASGI application with `at_once` turns; `waiting` requests wait for theirs, `wait_seconds` at most."""

    def __init__(self, app: App, *, at_once: int, waiting: int, wait_seconds: float) -> None:
        self.app, self.free = app, at_once
        self.most_waiting, self.wait_seconds = waiting, wait_seconds
        self.queue: deque[asyncio.Future[None]] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.free > 0:
            self.free -= 1
            await self._run(scope, receive, send)
        elif len(self.queue) >= self.most_waiting:
            await _refuse(scope, send)
        else:
            await self._wait(scope, receive, send)

    async def _wait(self, scope: Scope, receive: Receive, send: Send) -> None:
        incoming = Incoming(receive)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.queue.append(turn)
        left = asyncio.create_task(incoming.left.wait())
        try:
            either: set[asyncio.Future[Any]] = {turn, left}
            await asyncio.wait(either, timeout=self.wait_seconds, return_when=asyncio.FIRST_COMPLETED)
            if turn.done() and not incoming.left.is_set():
                turn = asyncio.get_running_loop().create_future()  # it is used up: `_run` gives it back
                await self._run(scope, incoming.receive, send)
            elif not incoming.left.is_set():
                await _refuse(scope, send)
        finally:
            left.cancel()
            incoming.pump.cancel()
            self._leave(turn)

    def _leave(self, turn: asyncio.Future[None]) -> None:
        """A turn that came and is not used goes to the next."""
        if turn.done():
            self._give_back()
        turn.cancel()
        if turn in self.queue:
            self.queue.remove(turn)

    def _give_back(self) -> None:
        while self.queue:
            turn = self.queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_turn = True

        def end_turn() -> None:
            nonlocal has_turn
            if has_turn:
                has_turn = False
                self._give_back()

        async def passed_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                end_turn()
            await send(message)

        try:
            await self.app(scope, receive, passed_on)
        finally:
            end_turn()


class Incoming:
    """What a client sends while its request waits, kept for the application; `left` is set once it has gone."""

    def __init__(self, receive: Receive) -> None:
        self.left, self.room = asyncio.Event(), asyncio.Event()
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self.bytes = 0
        self.room.set()
        self.pump = asyncio.create_task(self._pump(receive))

    async def _pump(self, receive: Receive) -> None:
        while not self.left.is_set():
            await self.room.wait()
            message = await receive()
            self.bytes += len(message.get("body", b""))
            if self.bytes > MOST_BUFFERED_BYTES:
                self.room.clear()
            if message["type"] == "http.disconnect":
                self.left.set()
            self.messages.put_nowait(message)

    async def receive(self) -> Message:
        if self.left.is_set() and self.messages.empty():
            return {"type": "http.disconnect"}
        message = await self.messages.get()
        self.bytes -= len(message.get("body", b""))
        self.room.set()
        return message


async def _refuse(scope: Scope, send: Send) -> None:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    if scope["path"].startswith("/alpaca/"):
        kind, body = b"application/json", {"code": int(status) * 100_000 + 10_000, "message": FULL}
    else:
        kind = b"application/problem+json"
        body = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": FULL}
    content = orjson.dumps(body)
    headers = [(b"content-type", kind), (b"content-length", str(len(content)).encode())]
    headers.append((b"retry-after", str(RETRY_AFTER_SECONDS).encode()))
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": content})
