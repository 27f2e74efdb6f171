"""`GET /api/sessions/{id}/stream/`: a session as server-sent events, a frame per `data:`."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing

from streaming.doors.grant import App, Decision, Receive, Scope, Send, decide
from streaming.doors.rendering import rendered
from streaming.doors.sending import Sender, SocketStuck
from streaming.ending import end
from streaming.reading.hub import shared_hub
from streaming.reading.reader import Reading, items_of

log = logging.getLogger(__name__)

HEARTBEAT_EVERY = 15.0
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]
FIRST_WORDS = b": a frame per message; reconnect with Last-Event-ID\nretry: 1000\n\n"


async def serve(django: App, scope: Scope, receive: Receive, send: Send) -> None:
    decision = await decide(django, scope, "sse")
    if decision.grant is None:
        await _answer(decision, send)
        return
    pump = asyncio.create_task(_pump(decision.grant.reading, Sender(send)))
    gone = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (gone, pump):
            await end(task)
    if not pump.cancelled() and (error := pump.exception()):
        if not isinstance(error, SocketStuck):
            raise error
        log.warning("A reader of session %s took nothing and was dropped", decision.grant.reading.session_id)


async def _answer(decision: Decision, send: Send) -> None:
    for message in decision.answer:
        await send(message)


async def _gone(receive: Receive) -> None:
    """Until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _pump(reading: Reading, sender: Sender) -> None:
    await sender.send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await _put(sender, FIRST_WORDS)
    beating = asyncio.create_task(_beat(sender))
    try:
        async with shared_hub() as hub, aclosing(items_of(reading, hub)) as items:  # type: ignore[type-var]
            async for item in items:
                await _put(sender, rendered(hub, reading, item).event)
                if beating.done():
                    beating.result()
    finally:
        await end(beating)
    await sender.put({"type": "http.response.body", "body": b"", "more_body": False}, 0)


async def _beat(sender: Sender) -> None:
    """Comments, so that proxies and clients know a quiet stream from a dead one."""
    clock = asyncio.get_running_loop().time
    while True:
        await asyncio.sleep(max(0.1, sender.last + HEARTBEAT_EVERY - clock()))
        if clock() - sender.last >= HEARTBEAT_EVERY:
            await _put(sender, b": still here\n\n")


async def _put(sender: Sender, body: bytes) -> None:
    await sender.put({"type": "http.response.body", "body": body, "more_body": True}, len(body))
