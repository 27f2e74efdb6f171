"""A reader in a process of its own: `python -m benchmarks.reading SESSION MODE [ADDRESS TOKEN]`.

Says `ready` when it is about to read, and at the end one JSON object: bars, wall time of the last frame, CPU seconds.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable


async def columns(session_id: int) -> int:
    """Bars as batches of columns, one for each stretch of frames."""
    return await _batches(session_id, "1m")


async def ticks(session_id: int) -> int:
    """Likewise trades and quotes."""
    return await _batches(session_id, "ticks", "quotes")


async def _batches(session_id: int, *channels: str) -> int:
    from streaming.engine.frames.stretch import Stretch
    from streaming.reading.batches import batch_of
    from streaming.reading.hub import shared_hub
    from streaming.reading.reader import Reading, read_stretches

    count = 0
    async with shared_hub() as hub:
        async for item in read_stretches(Reading(session_id, from_start=True), hub):
            if isinstance(item, Stretch):
                count += sum(len(batch_of(item, channel)) for channel in channels)
    return count


async def frames(session_id: int) -> int:
    """Frame by frame, the rows of each as columns: as sockets, pages and the gateway read."""
    from streaming.engine.frames.frame import Frame
    from streaming.reading.hub import shared_hub
    from streaming.reading.reader import Reading, read

    count = 0
    async with shared_hub() as hub:
        async for item in read(Reading(session_id, from_start=True), hub):
            if isinstance(item, Frame):
                count += sum(block.columns.shape[1] for block in item.blocks) + sum(map(len, item.ticks))
    return count


async def bars(session_id: int) -> int:
    """One Python dict a bar, as `stream_bars` gives them."""
    from sessions.models import ActiveStream
    from streaming.stream_bars import stream_bars

    rows = ActiveStream.objects.filter(session_id=session_id).values_list("instrument__symbol", flat=True)
    names = [name async for name in rows]
    count = 0
    async for _ in stream_bars(session_id, names, "1m"):
        count += 1
    return count


async def sse(session_id: int) -> int:
    """Server-sent events as bytes, their bars counted: HTTP's chunks and parsing JSON are the client's own business."""
    address, token = sys.argv[3:5]
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 22)
    path = f"/api/sessions/{session_id}/stream/?from_start=true"
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", f"Authorization: Token {token}", "Accept: text/event-stream"]
    writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode())
    status = await reader.readline()
    if b" 200 " not in status:
        raise RuntimeError(f"{path}: {status!r}")
    count, rest, sought = 0, b"", b'"type":"bar"'
    while chunk := await reader.read(1 << 22):
        text = rest + chunk
        count += text.count(sought)
        rest = text[1 - len(sought) :]
    writer.close()
    return count


READERS: dict[str, Callable[[int], Awaitable[int]]] = {
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

    session_id, mode = int(sys.argv[1]), sys.argv[2]
    print("ready", flush=True)
    began = time.process_time()
    count = asyncio.run(READERS[mode](session_id))  # type: ignore[arg-type]
    print(json.dumps({"bars": count, "at": time.time(), "cpu": time.process_time() - began}), flush=True)


if __name__ == "__main__":
    main()
