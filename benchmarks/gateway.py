"""1,000 sockets of the gateway on one process, beside a bare `websockets` broadcast of the same bytes to as many.

Every client is subscribed to all bars of a session of 100 symbols at 60x. Measured is the time from the frame's being
in Redis to its arrival at each client, and for the broadcast from the call to the arrival.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgpack
import numpy as np

from benchmarks import world
from benchmarks.rows import Row

CLIENTS, SYMBOLS, SPEED, FRAMES = 1000, 100, 60.0, 30
UP_WITHIN = 120.0
AT_ONCE = 50
"""Clients that connect at the same time."""


def run() -> Iterator[Row]:
    gateway, messages = _gateway()
    bare = _bare(messages)
    for name, times in (("gateway", gateway), ("bare websockets broadcast", bare)):
        for percent in (50, 99):
            what = f"{name}: frame to client, p{percent}"
            yield Row(what, float(np.percentile(times, percent)), "ms", f"{CLIENTS} sockets, {len(times):,} arrivals")


# --- the two servers -------------------------------------------------------------------------------


def _gateway() -> tuple[list[float], list[bytes]]:
    """Milliseconds of every arrival, and the messages. Fails where a client missed a bar."""
    from sessions import control, keys
    from streaming.starts import service
    from streaming.starts.request import StartRequest

    names = world.symbols(SYMBOLS)
    dataset, date, _, _ = world.ensure_days(names, 1)
    with world.worker(), _web() as port:
        session = service.start(StartRequest(names, date, date, dataset=dataset, speed=0.001)).session
        key, secret = keys.create(session, "broker")
        url = f"ws://127.0.0.1:{port}/alpaca/v2/sip"
        auth = json.dumps({"action": "auth", "key": key.key_id, "secret": secret})
        with _clients(url, auth) as clients, Watch(session.pk) as watch:
            control.set_speed(session.pk, SPEED)
            reported = clients.after(FRAMES)
        control.stop(session.pk)
    expected = _bars_of(dataset, date, [end for end, _ in reported["messages"]])
    assert reported["bars"] == [expected] * CLIENTS, (
        f"not every client got {expected} bars: {sorted(set(reported['bars']))}"
    )
    begins = [watch.seen[end] for end, _ in reported["messages"]]
    return _milliseconds(begins, reported), [bytes.fromhex(message) for _, message in reported["messages"]]


def _bars_of(dataset: str, date: dt.date, stamps: list[int]) -> int:
    """Bars that the store has for those minutes (seconds since the epoch of their starts)."""
    from marketdata import calendar, store
    from marketdata.models import Dataset

    opened = int(calendar.trading_day(date).open.timestamp())
    held = store.load_day(Dataset.objects.get(name=dataset).pk, date, world.symbols(SYMBOLS))
    wanted = np.array(stamps) - opened
    return sum(int(np.isin(day.bars.offset, wanted).sum()) for day in held.values())


def _bare(messages: list[bytes]) -> list[float]:
    port = _free_port()
    with _process("broadcast", str(port), stdin=subprocess.PIPE) as server:
        _await_port(port)
        with _clients(f"ws://127.0.0.1:{port}", "") as clients:
            assert server.stdin and server.stdout
            begins = []
            for message in messages:
                server.stdin.write(message.hex() + "\n")
                server.stdin.flush()
                begins.append(float(server.stdout.readline()))
                time.sleep(60 / SPEED)
            reported = clients.after(len(messages))
    return _milliseconds(begins, reported)


def _milliseconds(begins: list[float], payload: dict[str, Any]) -> list[float]:
    return [1000 * (at - begin) for begin, times in zip(begins, payload["times"], strict=True) for at in times]


class Watch:
    """When each frame was in Redis: by a reader of its own that is woken like the gateway's."""

    def __init__(self, session_id: int) -> None:
        self.session_id = session_id
        self.seen: dict[int, float] = {}
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._follow)

    def __enter__(self) -> Watch:
        self.thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.over.set()
        self.thread.join()

    def _follow(self) -> None:
        import redis
        from django.conf import settings

        from streaming.engine.publishing.bus import stream_key

        client, last = redis.Redis.from_url(settings.REDIS_URL), "$"
        while not self.over.is_set():
            for _, entries in client.xread({stream_key(self.session_id, 1): last}, block=500) or []:  # type: ignore[union-attr]
                now = time.time()
                for entry, _ in entries:
                    last = entry.decode()
                    self.seen.setdefault(int(last.split("-")[0]) // 1000 - 60, now)


# --- processes -------------------------------------------------------------------------------------


@contextmanager
def _process(*role: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "benchmarks.gateway", *role]
    process = subprocess.Popen(command, cwd=world.ROOT, stdout=subprocess.PIPE, text=True, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def _web() -> Iterator[int]:
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(port), "--lifespan", "off"]
    env = {**os.environ, "ALPACA_CONNECTIONS_PER_KEY": str(CLIENTS)}
    with Path(os.environ["VAR_DIR"], "log", "gateway-web.log").open("wb") as out:
        process = subprocess.Popen(
            [*command, "--log-level", "warning"], cwd=world.ROOT, env=env, stdout=out, stderr=out
        )
    try:
        _await_port(port)
        yield port
    finally:
        process.terminate()
        process.wait(30)


class Clients:
    """The client process, when all its sockets are ready."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def after(self, frames: int) -> dict[str, Any]:
        """What they got, once each has that many messages."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{frames}\n")
        self.process.stdin.flush()
        report: dict[str, Any] = json.loads(self.process.stdout.readline())
        return report


@contextmanager
def _clients(url: str, auth: str) -> Iterator[Clients]:
    with _process("clients", url, auth, stdin=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield Clients(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(port: int) -> None:
    end = time.monotonic() + UP_WITHIN
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"nothing listens at {port}")


# --- what the processes do -------------------------------------------------------------------------


class Arrivals:
    """When each message came to each client: a place for each message, in the order of the first arrivals."""

    def __init__(self) -> None:
        self.places: dict[bytes, int] = {}
        self.times: list[list[float]] = []
        self.counts = [0] * CLIENTS

    def note(self, client: int, message: bytes) -> None:
        now = time.time()
        place = self.places.setdefault(message, len(self.times))
        if place == len(self.times):
            self.times.append([])
        self.times[place].append(now)
        self.counts[client] += 1


async def _client(number: int, url: str, auth: str, turn: asyncio.Semaphore, there: list[int], got: Arrivals) -> None:
    from websockets.asyncio.client import connect

    async with turn:
        headers = {"Content-Type": "application/msgpack"}
        client = await connect(url, additional_headers=headers, compression=None, open_timeout=60)
        if auth:
            await client.recv()
            for reported in (json.loads(auth), {"action": "subscribe", "bars": ["*"]}):
                await client.send(msgpack.packb(reported))
                await client.recv()
        there.append(number)
    async for message in client:
        got.note(number, message)  # type: ignore[arg-type]


async def _listen(url: str, auth: str) -> None:
    """All the clients, until each has as many messages as stdin says."""
    turn, there, got = asyncio.Semaphore(AT_ONCE), [], Arrivals()
    tasks = [asyncio.create_task(_client(number, url, auth, turn, there, got)) for number in range(CLIENTS)]
    while len(there) < CLIENTS:
        await asyncio.sleep(0.1)
    print("ready", flush=True)
    frames = int(await asyncio.to_thread(sys.stdin.readline))
    while min(got.counts) < frames:
        await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    print(json.dumps(_reported(list(got.places)[:frames], got.times[:frames], got.counts, frames)), flush=True)


def _reported(messages: list[bytes], times: list[list[float]], counts: list[int], frames: int) -> dict[str, Any]:
    decoded = [msgpack.unpackb(message) for message in messages]
    bars = sum(map(len, decoded))
    whole = all(len(arrivals) == CLIENTS for arrivals in times)
    return {
        "messages": [(bars[0]["t"].seconds, raw.hex()) for bars, raw in zip(decoded, messages, strict=True)],
        "times": times,
        "bars": [bars if whole and count >= frames else 0 for count in counts],
    }


async def _broadcast(port: int) -> None:
    """What a server without a product would do: each line from stdin goes to every client."""
    from websockets.asyncio.server import broadcast, serve

    async def keep(client: Any) -> None:
        await client.wait_closed()

    async with serve(keep, "127.0.0.1", port, compression=None) as server:
        while line := await asyncio.to_thread(sys.stdin.readline):
            message = bytes.fromhex(line)
            begin = time.time()
            broadcast(server.connections, message)
            print(begin, flush=True)


if __name__ == "__main__":
    import uvloop

    role, *given = sys.argv[1:]
    uvloop.run(_listen(*given) if role == "clients" else _broadcast(int(given[0])))
