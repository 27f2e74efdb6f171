"""A reader in a process of its own: `python -m benchmarks.reading SESSION MODE EXPECTED [ADDRESS TOKEN]`.

Says `ready` when it is about to read, and at the end one JSON object: bars, wall time at which as many as expected were
there, CPU seconds.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import Awaitable, Callable


class Arrived:
    """How many there are so far, and when the last of those that were expected came: the session's end comes later."""

    def __init__(self, expected: int) -> None:
        self.count, self.expected, self.at = 0, expected, 0.0

    def add(self, count: int) -> None:
        self.count += count
        if self.count >= self.expected and not self.at:
            self.at = time.time()


async def columns(session_id: int, arrived: Arrived) -> None:
    """Bars as batches of columns, one for each stretch of frames."""
    await _batches(session_id, arrived, "1m")


async def ticks(session_id: int, arrived: Arrived) -> None:
    """Likewise trades and quotes."""
    await _batches(session_id, arrived, "ticks", "quotes")


async def _batches(session_id: int, arrived: Arrived, *channels: str) -> None:
    from streaming.engine.frames.stretch import Stretch
    from streaming.reading.batches import batch_of
    from streaming.reading.hub import shared_hub
    from streaming.reading.reader import Reading, read_stretches

    async with shared_hub() as hub:
        async for item in read_stretches(Reading(session_id, from_start=True), hub):
            if isinstance(item, Stretch):
                arrived.add(sum(len(batch_of(item, channel)) for channel in channels))


async def frames(session_id: int, arrived: Arrived) -> None:
    """Frame by frame, the rows of each as columns: as sockets, pages and the gateway read."""
    from streaming.engine.frames.frame import Frame
    from streaming.reading.hub import shared_hub
    from streaming.reading.reader import Reading, read

    async with shared_hub() as hub:
        async for item in read(Reading(session_id, from_start=True), hub):
            if isinstance(item, Frame):
                arrived.add(sum(block.columns.shape[1] for block in item.blocks) + sum(map(len, item.ticks)))


async def bars(session_id: int, arrived: Arrived) -> None:
    """One Python dict a bar, as `stream_bars` gives them."""
    from sessions.models import ActiveStream
    from streaming.stream_bars import stream_bars

    rows = ActiveStream.objects.filter(session_id=session_id).values_list("instrument__symbol", flat=True)
    names = [name async for name in rows]
    count, last = 0, arrived.expected
    async for _ in stream_bars(session_id, names, "1m"):
        count += 1
        if count == last:
            arrived.at = time.time()
    arrived.count = count


async def sse(session_id: int, arrived: Arrived) -> None:
    """Server-sent events as bytes, their bars counted: HTTP's chunks and parsing JSON are the client's own business.

    On a plain socket: what reads takes from what is measured as little as can be.
    """
    address, token = sys.argv[4:6]
    host, port = address.removeprefix("http://").split(":")
    path = f"/api/sessions/{session_id}/stream/?from_start=true"
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", f"Authorization: Token {token}", "Accept: text/event-stream"]
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        sought = b'"type":"bar"'
        kept = len(sought) - 1
        """Bytes of what came before, in which one may have begun."""
        buffer, status = bytearray(kept + (1 << 20)), b""
        rest = memoryview(buffer)[kept:]
        while size := connection.recv_into(rest):
            status = status or bytes(rest[:200])
            arrived.add(buffer.count(sought, 0, kept + size))
            buffer[:kept] = buffer[size : size + kept]
    if b" 200 " not in status.partition(b"\r\n")[0]:
        raise RuntimeError(f"{path}: {status!r}")


READERS: dict[str, Callable[[int, Arrived], Awaitable[None]]] = {
    "columns": columns,
    "frames": frames,
    "ticks": ticks,
    "bars": bars,
    "sse": sse,
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    import streaming.stream_bars  # noqa: F401 - neither importing pandas nor building the calendar is part of reading
    from marketdata import calendar

    calendar.prepare()

    session_id, mode, arrived = int(sys.argv[1]), sys.argv[2], Arrived(int(sys.argv[3]))
    print("ready", flush=True)
    began = time.process_time()
    asyncio.run(READERS[mode](session_id, arrived))  # type: ignore[arg-type]
    print(json.dumps({"bars": arrived.count, "at": arrived.at, "cpu": time.process_time() - began}), flush=True)


if __name__ == "__main__":
    main()
