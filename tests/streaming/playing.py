"""What the tests of running sessions share: a start on the real days, waiting for a state, reading all frames."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable
from typing import Any

import pytest

from sessions.models import Session, State
from streaming.reading.reader import follow
from streaming.starts import service
from streaming.starts.request import StartRequest
from streaming.verify.session import verify

FIRST, LAST = dt.date(2025, 7, 2), dt.date(2025, 7, 7)
SYMBOLS = ("AAPL", "MSFT")


def start(*symbols: str, **options: Any) -> Session:
    return service.start(StartRequest(symbols or SYMBOLS, FIRST, LAST, **options)).session


def utc(day: int, hour: int, minute: int = 0) -> dt.datetime:
    """A moment of July 2025."""
    return dt.datetime(2025, 7, day, hour, minute, tzinfo=dt.UTC)


def wait_until(session: Session, true: Callable[[Session], object], seconds: float = 60) -> Session:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        session.refresh_from_db()
        if true(session):
            return session
        time.sleep(0.01)
    message = "; ".join(event.message for event in session.events.all()[:5])
    pytest.fail(f"session {session.pk} is {session.state} at {session.run.clock}: {message}")


def await_clock(session: Session, clock: dt.datetime) -> None:
    wait_until(session, lambda row: row.run.clock and row.run.clock >= clock)


def read_all(session_id: int, **options: Any) -> list[dict[str, Any]]:
    """Every item of a session in wire form, from its start unless a cursor is given, until its end."""
    options.setdefault("from_start", "after" not in options)

    async def collect() -> list[dict[str, Any]]:
        return [frame async for frame in follow(session_id, **options)]

    return asyncio.run(asyncio.wait_for(collect(), 120))


def finished(session: Session) -> list[dict[str, Any]]:
    """Every frame of a run to its end, which is verified."""
    frames = durable(read_all(session.pk))
    session.refresh_from_db()
    assert session.state == State.COMPLETED, session.reason
    proof = verify(session.pk)
    assert proof.ok, proof.problems
    return frames


def durable(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [frame for frame in frames if frame["id"]]


def symbols_by_clock(frames: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Clock → the symbols whose minute came then."""
    return {
        frame["clock"]: [e["symbol"] for e in frame["events"] if e["type"] == "bar" and e["interval"] == "1m"]
        for frame in durable(frames)
    }
