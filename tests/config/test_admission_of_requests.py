"""A web process that is full: in order, bounded, and with a clear refusal."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson

from config.asgi import application
from config.request_turns import RequestTurns


class Caller:
    """A client of an ASGI application, with what it was sent."""

    def __init__(self, app: Any, path: str = "/api/sessions/", *messages: dict[str, Any]) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        for message in messages or ({"type": "http.request", "body": b""},):
            self.incoming.put_nowait(message)
        self.sent: list[dict[str, Any]] = []
        scope = {"type": "http", "method": "GET", "path": path, "headers": [], "client": ("10.0.0.1", 1)}
        self.task = asyncio.ensure_future(app(scope, self.incoming.get, self.send))

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int | None:
        return self.sent[0]["status"] if self.sent else None


class Slow:
    """An application that answers when it may, and reads its body first."""

    def __init__(self) -> None:
        self.may, self.bodies = asyncio.Event(), list[bytes]()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.bodies.append((await receive())["body"])
        await self.may.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def admission(app: Any, **given: Any) -> RequestTurns:
    return RequestTurns(app, **{"at_once": 1, "waiting": 2, "wait_seconds": 5.0, **given})


async def test_the_first_runs_the_next_wait_and_one_more_is_refused() -> None:
    app = Slow()
    gate = admission(app)
    body = {"type": "http.request", "body": b"second"}
    first, second, third = Caller(gate), Caller(gate, "/api/", body), Caller(gate)
    await settled()
    fourth, bot = Caller(gate), Caller(gate, "/alpaca/v2/clock")
    await settled()
    assert (len(app.bodies), fourth.status, bot.status) == (1, 503, 503)
    assert (b"retry-after", b"2") in fourth.sent[0]["headers"]
    assert orjson.loads(fourth.sent[1]["body"])["status"] == 503
    assert orjson.loads(bot.sent[1]["body"])["code"] == 50310000
    app.may.set()
    await asyncio.gather(first.task, second.task, third.task)
    assert [caller.status for caller in (first, second, third)] == [200, 200, 200]
    assert app.bodies == [b"", b"second", b""] and gate.free == 1


async def test_one_whose_client_has_left_is_dropped() -> None:
    app = Slow()
    gate = admission(app)
    first, gone, third = Caller(gate), Caller(gate), Caller(gate)
    await settled()
    gone.incoming.put_nowait({"type": "http.disconnect"})
    await asyncio.wait_for(gone.task, 5)
    app.may.set()
    await asyncio.gather(first.task, third.task)
    assert gone.sent == [] and len(app.bodies) == 2 and gate.free == 1


async def test_one_that_waited_for_too_long_is_refused() -> None:
    app = Slow()
    gate = admission(app, wait_seconds=0.05)
    first, second = Caller(gate), Caller(gate)
    await asyncio.wait_for(second.task, 5)
    assert second.status == 503
    app.may.set()
    await first.task
    assert gate.free == 1 and not gate.queue


async def test_a_stream_takes_no_turn_once_it_flows() -> None:
    flowing = asyncio.Event()

    async def stream(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await flowing.wait()

    gate = admission(stream)
    callers = [Caller(gate) for _ in range(5)]
    await settled()
    assert [caller.status for caller in callers] == [200] * 5
    flowing.set()
    await asyncio.gather(*(caller.task for caller in callers))
    assert gate.free == 1


async def test_an_application_that_fails_gives_its_turn_back() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError

    gate = admission(broken)
    callers = [Caller(gate) for _ in range(3)]
    results = await asyncio.gather(*(caller.task for caller in callers), return_exceptions=True)
    assert all(isinstance(result, ZeroDivisionError) for result in results) and gate.free == 1


async def test_health_is_answered_without_a_thread() -> None:
    caller = Caller(application, "/healthz")
    for _ in range(3):
        await asyncio.sleep(0)
    assert caller.task.done() and caller.status == 200
    assert orjson.loads(caller.sent[1]["body"]) == {"status": "ok"}
