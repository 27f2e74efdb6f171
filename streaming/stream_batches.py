"""`async for batch in stream_batches(session, ["AAPL"], "1m")`: the rows of many frames at once, as columns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from marketdata import store
from marketdata.intervals import parse_interval
from marketdata.kinds import TICK_KINDS
from sessions.models import Session, State
from streaming.base.db import in_thread
from streaming.base.stream_types import ALIASES
from streaming.engine.frames.stretch import Stretch
from streaming.reading.batches import Batch, batch_of
from streaming.reading.hub import shared_hub
from streaming.reading.reader import Reading, read_stretches
from streaming.reading.selection import Selection
from streaming.stream_bars import SessionFailed, ensure


async def stream_batches(
    session: Session | int, symbols: Sequence[str], channel: str = "1m", after: str | None = None
) -> AsyncIterator[Batch]:
    """`stream_bars` with a table for each stretch of frames: `columns()`, `pandas()`, `arrow()`, or bare `records`.

    `channel`: an interval, `trades` or `quotes`. At full speed a batch has many frames, at a pace mostly one; a batch
    without rows is left out. `after` and `batch.cursor` are cursors as everywhere.
    """
    session_id = session if isinstance(session, int) else session.pk
    channel = str(ALIASES.get(channel, channel))
    if channel not in TICK_KINDS:
        parse_interval(channel)
    names = frozenset(await in_thread(store.spelled)(symbols))
    await in_thread(ensure)(session_id, names)
    reading = Reading(session_id, after, after is None, selection=Selection.of(names, {channel}))
    reading.kind = "stream_batches"
    async with shared_hub() as hub, aclosing(read_stretches(reading, hub)) as items:  # type: ignore[type-var]
        async for item in items:
            if isinstance(item, Stretch):
                batch = batch_of(item, channel, names)
                if len(batch):
                    yield batch
            elif item.event["type"] == "end" and item.event["state"] == State.FAILED:
                raise SessionFailed(item.event["reason"])
