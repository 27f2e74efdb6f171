"""Messages on their way to a client of a socket."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from gateway.wire.codecs import Message

Send = Callable[[Message], Awaitable[None]]

MOST_BYTES = 32 << 20
SLOW_GRACE_SECONDS = 30.0


class Outbox:
    """Bounded by bytes: nobody else waits for its client."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.waiting: deque[Message] = deque()
        self.bytes = 0
        self.something = asyncio.Event()
        self.is_closing = False
        self.is_sending = False

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
        return self.bytes <= MOST_BYTES

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
        asyncio.get_running_loop().call_later(SLOW_GRACE_SECONDS, self.writing.cancel)

    @property
    def is_empty(self) -> bool:
        return not self.waiting and not self.is_sending

    async def _empty(self) -> None:
        """Until the client is gone, or what closes the socket is out."""
        while True:
            while self.waiting:
                self.is_sending = True
                message = self.waiting.popleft()
                self.bytes -= _size(message)
                try:
                    await self.send(message)
                except OSError:
                    return
                self.is_sending = False
                if message["type"] == "websocket.close":
                    return
            self.something.clear()
            await self.something.wait()


def _size(message: Message) -> int:
    return len(message.get("bytes") or message.get("text") or "")
