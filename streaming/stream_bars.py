"""`async for bar in stream_bars(session, ["AAPL"], "1m")`: the specification's way in, from any process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sessions import control
from sessions.models import Session, State
from streaming import service
from streaming.db import in_thread
from streaming.reading.reader import follow


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
    wanted = {symbol.upper() for symbol in symbols}
    await in_thread(_ensure)(session_id, wanted)
    frames = follow(
        session_id,
        after=after,
        from_start=after is None,
        symbols=wanted,
        intervals={interval},
        kind="stream_bars",
        lockstep=lockstep,
    )
    async for frame in frames:
        for event in frame["events"]:
            if event["type"] == "bar":
                yield event
            elif event["type"] == "end" and event["state"] == State.FAILED:
                raise SessionFailed(event["reason"])


def _ensure(session_id: int, symbols: set[str]) -> None:
    row = Session.objects.select_related("dataset").get(pk=session_id)
    if row.state == State.FAILED:
        raise SessionFailed(row.reason)
    if row.is_live:
        service.require_worker()
    played = set(row.streams.filter(wanted=True).values_list("instrument__symbol", flat=True))
    if symbols - played:
        control.add_symbols(session_id, sorted(symbols - played), by="stream_bars")
    if row.is_live:
        service.open_streams(row, service.quiet)
