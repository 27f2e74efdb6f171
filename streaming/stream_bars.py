"""`async for bar in stream_bars(session, ["AAPL"], "1m")`: the specification's way in, from any process."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from typing import Any

from marketdata import store
from marketdata.intervals import interval_name, parse_interval
from sessions import control
from sessions.models import Session, State
from streaming.base.db import in_thread
from streaming.engine.frames.stretch import Stretch
from streaming.engine.publishing.lockstep import Lockstep
from streaming.reading.bar_dicts import bar_dicts
from streaming.reading.hub import Hub, shared_hub
from streaming.reading.reader import Frame, Reading, items_of, read_stretches
from streaming.reading.selection import Selection
from streaming.starts import service


class SessionFailed(Exception):
    """The session has failed; the text is its reason."""


async def stream_bars(
    session: Session | int, symbols: Sequence[str], interval: str = "1m", after: str | None = None, lockstep: str = ""
) -> AsyncIterator[dict[str, Any]]:
    """Bars of a session in wire form, all of the run so far and then as they become known, until it ends.

    Nothing happens before the first `__anext__`. Then a created session is started, a running one is joined, and a
    symbol that it does not play yet is added. With `lockstep`, a name, the replay waits for this reader.
    Raises BadInterval, StartError (also without a worker), ControlError for a symbol that cannot be added,
    SessionFailed and CursorError.
    """
    session_id = session if isinstance(session, int) else session.pk
    interval = interval_name(parse_interval(interval))
    names = frozenset(await in_thread(store.spelled)(symbols))
    await in_thread(ensure)(session_id, names)
    step = Lockstep(session_id, lockstep) if lockstep else None
    reading = Reading(session_id, after, after is None, selection=Selection.of(names, {interval}), lockstep=step)
    reading.kind, reading.name = "stream_bars", lockstep
    async with shared_hub() as hub, aclosing(_parts(reading, hub)) as parts:
        async for part in parts:
            for bars in _bars_of(part, interval, names):
                if hub.tails[session_id].generation != part.id.generation:
                    break  # it was moved meanwhile: the rest is none of what it plays
                for bar in bars:
                    yield bar


async def _parts(reading: Reading, hub: Hub) -> AsyncGenerator[Frame | Stretch]:
    """Frame by frame for a reader whose acknowledgements are. Raises SessionFailed where the session ends so."""
    items = items_of(reading, hub) if reading.lockstep else read_stretches(reading, hub)
    async with aclosing(items):  # type: ignore[type-var]
        async for item in items:
            if isinstance(item, Frame | Stretch):
                yield item
            elif item.event["type"] == "end" and item.event["state"] == State.FAILED:
                raise SessionFailed(item.event["reason"])


def _bars_of(part: Frame | Stretch, interval: str, names: frozenset[str]) -> Iterator[Iterator[dict[str, Any]]]:
    if isinstance(part, Stretch):
        return bar_dicts(part, interval, names)
    return (block.events(names) for block in part.blocks if block.channel == interval)


def ensure(session_id: int, symbols: frozenset[str]) -> None:
    row = Session.objects.with_run().get(pk=session_id)
    if row.state == State.FAILED:
        raise SessionFailed(row.reason)
    if row.is_live:
        service.require_worker()
    played = set(row.streams.filter(requested=True).values_list("instrument__symbol", flat=True))
    if symbols - played:
        control.add_symbols(session_id, sorted(symbols - played), by="stream_bars")
    if row.is_live:
        service.open_streams(row, service.quiet)
