"""`async for bar in stream_bars(session, ["AAPL"], "1m")`: the specification's way in, from any process."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from marketdata import store
from sessions import control
from sessions.models import Session, State
from streaming.base.db import in_thread
from streaming.engine.publishing.lockstep import Lockstep
from streaming.reading.hub import shared_hub
from streaming.reading.reader import Frame, Reading, items_of
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
    Raises StartError (also without a worker), ControlError for a symbol that cannot be added, SessionFailed and
    CursorError.
    """
    session_id = session if isinstance(session, int) else session.pk
    names = set(await in_thread(store.spelled)(symbols))
    await in_thread(ensure)(session_id, names)
    async with aclosing(_frames(session_id, names, interval, after, lockstep)) as frames:
        async for frame in frames:
            for block in frame.blocks:
                if block.channel == interval:
                    for bar in block.events(names):
                        yield bar


async def _frames(
    session_id: int, names: set[str], interval: str, after: str | None, lockstep: str
) -> AsyncGenerator[Frame]:
    """Raises SessionFailed where the session ends so."""
    step = Lockstep(session_id, lockstep) if lockstep else None
    reading = Reading(session_id, after, after is None, selection=Selection.of(names, {interval}), lockstep=step)
    reading.kind, reading.name = "stream_bars", lockstep
    async with shared_hub() as hub, aclosing(items_of(reading, hub)) as items:  # type: ignore[type-var]
        async for item in items:
            if isinstance(item, Frame):
                yield item
            elif item.event["type"] == "end" and item.event["state"] == State.FAILED:
                raise SessionFailed(item.event["reason"])


def ensure(session_id: int, symbols: set[str]) -> None:
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
