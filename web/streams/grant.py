"""Who may read what is Django's to say, like for every other address; the stream itself goes past it.

A stream sends the request through Django first. The view behind it checks and, instead of an answer, leaves a
`Grant` in the request's scope; any other answer (401, 403, 404, 400, 429) is Django's own and goes to the client.
So authentication, permissions, throttles and problem details are those of the API, and no middleware can
compress or buffer a stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from streaming.reading.reader import Reading
from web.holders import Holder

SCOPE_KEY = "tapedeck.grant"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Grant:
    """What a client may have, who it is, and the names that it may ask for later."""

    reading: Reading
    holder: Holder
    symbols: tuple[str, ...]
    intervals: tuple[str, ...]


@dataclass
class Decision:
    """Django's: a grant, or the messages of its answer."""

    kind: str
    grant: Grant | None = None
    answer: list[Message] = field(default_factory=list)

    @property
    def status(self) -> int:
        return int(self.answer[0]["status"]) if self.answer else 500


async def decide(django: App, scope: Scope, kind: str) -> Decision:
    """Send the request through Django, without its body and with an ear of its own."""
    decision = Decision(kind)
    asked = False

    async def receive() -> Message:
        nonlocal asked
        if asked:
            await asyncio.Event().wait()  # the real disconnect is the stream's to hear
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        decision.answer.append(message)

    await django({**scope, SCOPE_KEY: decision}, receive, send)
    return decision
