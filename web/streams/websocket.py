"""`/ws/sessions/{id}/`: a session over a WebSocket, a frame per message.

The client may change what it wants at any time: `{"action": "subscribe", "symbols": ["AAPL"], "intervals": ["5m"]}`
and `unsubscribe`; a field left out, or `"*"` in it, is all. Among the intervals `ticks` and `quotes` may be
named too. What is newly wanted comes with its day so far.
With `?lockstep=<name>` the replay waits until `{"action": "acknowledge", "id": "<the frame's id>"}`.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import orjson
from django.conf import settings

from marketdata.store import spelled_as
from streaming.base.cancellation import end
from streaming.engine.frames.frame_id import CursorError, FrameId
from streaming.engine.publishing.lockstep import NameTaken, NeverPublished
from streaming.reading.hub import Hub, shared_hub
from streaming.reading.reader import Notice, in_parts, texts_of
from streaming.reading.selection import ANY, NotSubscribed, Selection
from streaming.reading.stretch_json import LINES, Run
from web.streams.grant import App, Decision, Grant, Message, Receive, Scope, Send, decide
from web.streams.rendering import rendered
from web.streams.rights import Watched
from web.streams.sending import Sender, SocketStuck

log = logging.getLogger(__name__)

NORMAL, POLICY = 1000, 1008
MOST_BYTES = 1 << 16


class Refused(ValueError):
    """A message from the client that cannot be done; the text is for it."""


async def serve(django: App, scope: Scope, receive: Receive, send: Send) -> None:
    """The handshake waits its turn like any request; for a client that leaves meanwhile nothing more is done."""
    await receive()  # websocket.connect
    if not origin_allowed(scope):
        await _deny(Decision("websocket", answer=FOREIGN), scope, send)
        return
    first = asyncio.create_task(_next(receive))
    deciding = asyncio.create_task(decide(django, as_request(scope), "websocket"))
    try:
        await asyncio.wait({first, deciding}, return_when=asyncio.FIRST_COMPLETED)
        if first.done() and first.result()["type"] == "websocket.disconnect":
            return
        decision = await deciding
        if decision.grant is None:
            await _deny(decision, scope, send)
            return
        await send({"type": "websocket.accept"})
        await Connection(decision.grant, Sender(send), _from(first, receive)).run()
    finally:
        for task in (first, deciding):
            await end(task)


async def _next(receive: Receive) -> Message:
    return await receive()


def _from(first: asyncio.Task[Message], receive: Receive) -> Receive:
    """What `receive` gives, the message first that is waited for already."""
    waiting = [first]

    async def following() -> Message:
        return await (waiting.pop() if waiting else receive())

    return following


FOREIGN_REPORTED = orjson.dumps(
    {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "A page of another site may not read this."}
)
FOREIGN: list[Message] = [
    {
        "type": "http.response.start",
        "status": 403,
        "headers": [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(FOREIGN_REPORTED)).encode()),
        ],
    },
    {"type": "http.response.body", "body": FOREIGN_REPORTED},
]


def as_request(scope: Scope) -> Scope:
    """The handshake as the GET that Django knows: same headers, same query, the stream's address."""
    number = scope["path"].strip("/").rsplit("/", 1)[-1]
    path = f"/api/sessions/{number}/stream/"
    scheme = "https" if scope.get("scheme") == "wss" else "http"
    given = {"type": "http", "method": "GET", "scheme": scheme, "path": path, "raw_path": path.encode()}
    return {**scope, **given, "http_version": "1.1"}


def origin_allowed(scope: Scope) -> bool:
    """A page of another site must not ride on a browser's cookie; what brings its own credentials is no page."""
    headers = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin-1")
    if not origin or b"authorization" in headers:
        return True
    here = str(headers.get(b"host", b"").decode("latin-1"))
    return origin in settings.CSRF_TRUSTED_ORIGINS or urlsplit(origin).netloc == here


async def _deny(decision: Decision, scope: Scope, send: Send) -> None:
    """Django's own answer where the server can send one; else a close code that says as much."""
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 4000 + decision.status})
        return
    for message in decision.answer:
        await send({**message, "type": f"websocket.{message['type']}"})


class Connection:
    """One accepted socket."""

    def __init__(self, grant: Grant, sender: Sender, receive: Receive) -> None:
        self.grant, self.sender, self.receive = grant, sender, receive
        self.reading = grant.reading
        self.turn = asyncio.Lock()
        """What the client asks for is done between two items, whose frames are all of one selection."""

    async def run(self) -> None:
        async with shared_hub() as hub, Watched(self.grant.holder) as ended:
            pump, listening = asyncio.create_task(self._pump(hub)), asyncio.create_task(self._listen(hub))
            lost = asyncio.create_task(ended.wait())
            try:
                await asyncio.wait({pump, listening, lost}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (lost, listening, pump):
                    await end(task)
        if ended.is_set():
            await self._close(POLICY, "the right to read this session has ended")
        for task in (pump, listening):
            if not task.cancelled() and (error := task.exception()):
                if not isinstance(error, SocketStuck | NameTaken):
                    raise error
                log.warning("A reader of session %s was dropped: %s", self.reading.session_id, error)

    async def _pump(self, hub: Hub) -> None:
        async with aclosing(texts_of(self.reading, hub, LINES)) as items:  # type: ignore[type-var]
            async for item in items:
                async with self.turn:
                    for text in item.lines if isinstance(item, Run) else [rendered(hub, self.reading, item).text]:
                        await self._put(text)
        await self._close(NORMAL, "the session has ended")

    async def _close(self, code: int, reason: str) -> None:
        await self.sender.put({"type": "websocket.close", "code": code, "reason": reason}, 0)

    async def _listen(self, hub: Hub) -> None:
        """Until the client has left, do what it asks."""
        while (message := await self.receive())["type"] != "websocket.disconnect":
            try:
                async with self.turn:
                    await self._obey(hub, parse(message))
            except (Refused, NotSubscribed) as error:
                await self._send_notice({"type": "error", "message": str(error)})

    async def _obey(self, hub: Hub, asked: dict[str, Any]) -> None:
        match asked.get("action"):
            case "subscribe":
                before, cursor = self.reading.selection, self.reading.cursor
                self.reading.selection = before.adding(*self._names(asked))
                await self._send_subscription()
                await self._catch_up(hub, before, cursor)
            case "unsubscribe":
                self.reading.selection = self.reading.selection.without(*self._names(asked))
                await self._send_subscription()
            case "acknowledge":
                await self._acknowledge(str(asked.get("id")))
            case action:
                raise Refused(f"{action!r} is no action: send subscribe, unsubscribe or acknowledge.")

    async def _acknowledge(self, place: str) -> None:
        step = self.reading.lockstep
        if step is None:
            raise Refused("This reader is not in lockstep: connect with ?lockstep=<name> to have the replay wait.")
        try:
            frame = FrameId.parse(place)
        except CursorError as error:
            raise Refused(str(error)) from None
        if step.sent is None or frame > step.sent:
            raise Refused(f"Frame {frame} has not been sent yet: the last one is {step.sent}.")
        if frame.generation < step.sent.generation:
            return  # sent before the session was moved: what came since is waited for
        try:
            done = await step.acknowledge(frame)
        except NeverPublished as error:
            raise Refused(str(error)) from None
        if not done:
            raise Refused(f"The replay does not wait for reader {step.name} any more: it was silent for too long.")

    def _names(self, asked: dict[str, Any]) -> tuple[list[str] | None, list[str] | None]:
        symbols = names(asked, "symbols", self.grant.symbols)
        return symbols, names(asked, "intervals", self.grant.intervals)

    async def _catch_up(self, hub: Hub, before: Selection, cursor: FrameId | None) -> None:
        """The day so far of what is new, up to the frame after which it comes by itself: no seam."""
        fresh = Selection(self.reading.selection.pairs - before.pairs)
        shared = hub.tails.get(self.reading.session_id)
        if before.all or not fresh.pairs or shared is None or cursor is None:
            return
        event = await hub.snapshot(shared, fresh, cursor)
        for notice in in_parts({**event, "bars": [bar for bar in event["bars"] if not before.bar(bar)]}):
            await self._put(rendered(hub, self.reading, notice).text)

    async def _send_subscription(self) -> None:
        await self._send_notice({"type": "subscription", "channels": self.reading.selection.listed()})

    async def _send_notice(self, event: dict[str, Any]) -> None:
        await self._put(orjson.dumps(Notice(event).wire()).decode())

    async def _put(self, text: str) -> None:
        await self.sender.put({"type": "websocket.send", "text": text}, len(text))


def parse(message: Any) -> dict[str, Any]:
    """The client's JSON object, from a text or a binary message."""
    body = message.get("text") or message.get("bytes") or b""
    if len(body) > MOST_BYTES:
        raise Refused(f"A message of {len(body)} bytes is too long: {MOST_BYTES} at most.")
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(f"That is no JSON: {error}.") from None
    if not isinstance(asked, dict):
        raise Refused('Send an object, e.g. {"action": "subscribe", "symbols": ["AAPL"], "intervals": ["1m"]}.')
    return asked


def names(asked: dict[str, Any], field: str, there: tuple[str, ...]) -> list[str] | None:
    """The field's names, checked against what there is; None is all."""
    given = asked.get(field)
    if given is None or given == ANY or given == [ANY]:
        return None
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise Refused(f"{field} is to be a list of names, or left out for all.")
    found = spelled_as(given, there) if field == "symbols" else given
    if unknown := [name for name in found if name not in there]:
        raise Refused(f"The session has no {field[:-1]} {unknown[0]}: it has {', '.join(there[:20])}.")
    return found
