"""Sending to a socket that may take its time, but not for ever."""

from __future__ import annotations

import asyncio

from web.streams.grant import Message, Send

SILENT_FOR = 30.0
"""Seconds without taking anything after which a socket is given up."""
TAKEN_MEANWHILE = 1 << 16
"""What even a slow socket takes in that time."""


class SocketStuck(Exception):
    """The client's socket took nothing for too long."""


class Sender:
    """One message at a time; waits for the client, and for no other."""

    def __init__(self, send: Send) -> None:
        self.send, self.lock = send, asyncio.Lock()
        self.last = 0.0

    async def body(self, body: bytes, *, more: bool = True) -> None:
        """A part of an HTTP answer. Raises SocketStuck."""
        await self.put({"type": "http.response.body", "body": body, "more_body": more}, len(body))

    async def put(self, message: Message, size: int) -> None:
        """Raises SocketStuck."""
        patience = SILENT_FOR * (1 + size // TAKEN_MEANWHILE)
        async with self.lock:
            try:
                async with asyncio.timeout(patience):
                    await self.send(message)
            except TimeoutError:
                raise SocketStuck("it took nothing for too long") from None
            self.last = asyncio.get_running_loop().time()
