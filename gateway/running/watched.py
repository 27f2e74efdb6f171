"""What a bot has asked for and was sent, in this process."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any


class Watched:
    """An ASGI application whose answers are counted: what is asked for, and when the bot was last sent something.

    On a socket every message but an acknowledgement is a question, and so is the connection itself.
    """

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self.application, self.sent_ns = application, 0
        self.asked: set[object] = set()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        question, is_socket = object(), scope["type"] == "websocket"

        async def sending(message: Any) -> None:
            await send(message)
            self.sent_ns = time.monotonic_ns()
            if is_socket and message["type"] != "websocket.accept":
                self.asked.discard(question)

        async def receiving() -> Any:
            message = await receive()
            if message["type"] == "websocket.receive" and not _is_acknowledgement(message):
                self.asked.add(question)
            return message

        self.asked.add(question)
        try:
            await self.application(scope, receiving if is_socket else receive, sending)
        finally:
            self.asked.discard(question)
            self.sent_ns = time.monotonic_ns()


def _is_acknowledgement(message: Any) -> bool:
    return b"ack" in (message.get("bytes") or (message.get("text") or "").encode())
