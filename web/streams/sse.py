"""`GET /api/sessions/{id}/stream/`: a session as server-sent events, a frame per `data:`."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing

from streaming.base.cancellation import end
from streaming.engine.publishing.lockstep import NameTaken
from streaming.reading.hub import shared_hub
from streaming.reading.reader import Reading, texts_of
from streaming.reading.stretch_json import EVENTS, Run
from web.streams.grant import App, Decision, Grant, Receive, Scope, Send, decide
from web.streams.outgoing import Outgoing
from web.streams.rendering import rendered
from web.streams.rights import Watched
from web.streams.sending import Sender, SocketStuck

log = logging.getLogger(__name__)

HEARTBEAT_EVERY = 15.0
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]
RIGHT_LOST = b": the right to read this session has ended\n\n"
FIRST_WORDS = b": a frame per message; reconnect with Last-Event-ID\nretry: 1000\n\n"


async def serve(django: App, scope: Scope, receive: Receive, send: Send) -> None:
    """The request waits its turn like any; for a client that leaves meanwhile nothing more is done."""
    gone, deciding = asyncio.create_task(_gone(receive)), asyncio.create_task(decide(django, scope, "sse"))
    try:
        await asyncio.wait({gone, deciding}, return_when=asyncio.FIRST_COMPLETED)
        if gone.done():
            return
        decision = deciding.result()
        if decision.grant:
            await _stream(decision.grant, gone, Sender(send))
        else:
            await _answer(decision, send)
    finally:
        for task in (gone, deciding):
            await end(task)


async def _stream(grant: Grant, gone: asyncio.Task[None], sender: Sender) -> None:
    """Until the session ends, the client has left, or it may not read any more."""
    await sender.send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await sender.body(FIRST_WORDS)
    outgoing = Outgoing(sender)
    async with Watched(grant.holder) as ended:
        work = (ended.wait(), outgoing.run(), _beat(sender), _pump(grant.reading, outgoing))
        tasks = [asyncio.create_task(each) for each in work]
        try:
            await asyncio.wait({gone, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                await end(task)
    if ended.is_set():
        await sender.body(RIGHT_LOST, more=False)
    elif error := next((found for task in tasks if not task.cancelled() and (found := task.exception())), None):
        if not isinstance(error, SocketStuck | NameTaken):
            raise error
        log.warning("A reader of session %s was dropped: %s", grant.reading.session_id, error)
    elif not gone.done():
        await sender.body(b"", more=False)


async def _answer(decision: Decision, send: Send) -> None:
    for message in decision.answer:
        await send(message)


async def _gone(receive: Receive) -> None:
    """Until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _pump(reading: Reading, outgoing: Outgoing) -> None:
    async with shared_hub() as hub, aclosing(texts_of(reading, hub, EVENTS)) as items:  # type: ignore[type-var]
        async for item in items:
            await outgoing.put(item.text if isinstance(item, Run) else rendered(hub, reading, item).event)
    await outgoing.flush()


async def _beat(sender: Sender) -> None:
    """Comments, so that proxies and clients know a quiet stream from a dead one."""
    clock = asyncio.get_running_loop().time
    while True:
        await asyncio.sleep(max(0.1, sender.last + HEARTBEAT_EVERY - clock()))
        if clock() - sender.last >= HEARTBEAT_EVERY:
            await sender.body(b": still here\n\n")
