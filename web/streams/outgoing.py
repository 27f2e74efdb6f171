"""What a stream has to send: what comes without a wait between goes out in one piece."""

from __future__ import annotations

import asyncio

from web.streams.sending import Sender

MOST_WAITING = 1 << 16
"""Bytes after which whoever makes more waits for the client."""


class Outgoing:
    """`run`, a task of its own, sends as soon as the one that puts waits for anything."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender
        self.parts: list[bytes] = []
        self.size = 0
        self.filled, self.emptied = asyncio.Event(), asyncio.Event()

    async def put(self, part: bytes) -> None:
        self.parts.append(part)
        self.size += len(part)
        self.filled.set()
        if self.size >= MOST_WAITING:
            await self.flush()

    async def flush(self) -> None:
        """Wait until all is with the client."""
        while self.filled.is_set():
            self.emptied.clear()
            await self.emptied.wait()

    async def run(self) -> None:
        """Until it is cancelled. Raises SocketStuck."""
        while True:
            await self.filled.wait()
            body = b"".join(self.parts)
            self.parts.clear()
            self.size = 0
            await self.sender.body(body)
            if not self.parts:
                self.filled.clear()
            self.emptied.set()
