"""A client of the ASGI application without the sockets, for SSE and WebSocket alike."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson

from config.asgi import application


class Wire:
    """A client's connection, without the sockets: what it sends, and what it was sent."""

    def __init__(
        self, application: Callable[..., Awaitable[None]], path: str, headers: dict[str, str], **scope: Any
    ) -> None:
        path, _, query = path.partition("?")
        raw = [(name.encode(), value.encode()) for name, value in {"host": "testserver", **headers}.items()]
        given = {"path": path, "raw_path": path.encode(), "query_string": query.encode(), "headers": raw}
        self.scope = {"asgi": {"version": "3.0"}, "http_version": "1.1", "client": ("127.0.0.1", 1), **given, **scope}
        self.application, self.sent = application, asyncio.Queue[dict[str, Any]]()
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.stuck = False
        self.texts: deque[str] = deque()

    async def send(self, message: dict[str, Any]) -> None:
        if self.stuck:
            await asyncio.Event().wait()
        self.sent.put_nowait(message)

    def start(self) -> None:
        self.task = asyncio.ensure_future(self.application(self.scope, self.incoming.get, self.send))

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.sent.get(), 20)

    async def text(self) -> str:
        """The next event of the body that is no comment; empty of a message without a body."""
        while not self.texts:
            body = (await self.next()).get("body", b"").decode()
            self.texts += [text for text in body.split("\n\n")[:-1] or [""] if not text.startswith(":")]
        return self.texts.popleft()


def http(path: str, headers: dict[str, str], application: Any = application) -> Wire:
    return Wire(application, path, headers, type="http", method="GET", scheme="http")


def socket(path: str, headers: dict[str, str]) -> Wire:
    extensions = {"websocket.http.response": {}}
    return Wire(application, path, headers, type="websocket", scheme="ws", extensions=extensions, subprotocols=[])


@asynccontextmanager
async def connected(wire: Wire) -> Any:
    wire.start()
    try:
        yield wire
    finally:
        wire.incoming.put_nowait({"type": f"{wire.scope['type']}.disconnect"})
        await asyncio.wait_for(wire.task, 20)


def event(text: str) -> tuple[str | None, dict[str, Any]]:
    """(id, frame) of one server-sent event."""
    lines = dict(line.split(": ", 1) for line in text.strip().split("\n"))
    return lines.get("id"), orjson.loads(lines["data"])


async def received(wire: Wire) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((await wire.next())["text"])
    return found


def post(wire: Wire, **message: Any) -> None:
    wire.incoming.put_nowait({"type": "websocket.receive", "text": orjson.dumps(message).decode()})
