"""The pages' feed of one session, conflated: at most ten messages a second, whatever the session's speed.

A `tape` message holds every new bar of the symbol that the page charts and the latest price of the others; a
`status` message, at most one a second, the session's card and the heat map's new minutes. Nothing in either is
later than the visible clock: bars come from `follow`, ledgers are cut at the row's clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.db import DatabaseError
from django.utils import timezone

from sessions.models import Session
from streaming import cards, chart
from streaming.db import in_thread
from streaming.heat import Heat, heat_of
from streaming.reader import follow

TAPE_EVERY = 0.1
STATUS_EVERY = 1.0
SILENT_AT_MOST = 15.0
HEAT_ANEW = 15.0
"""Seconds after which ledgers are read again: minutes may have been filled, symbols added."""
MOST_LATEST = 100


@dataclass(slots=True)
class Unsent:
    """What the page has not been told yet."""

    symbol: str
    clock: str | None = None
    whole: bool = False
    bars: list[list[Any]] = field(default_factory=list)
    latest: dict[str, float] = field(default_factory=dict)
    states: list[dict[str, Any]] = field(default_factory=list)

    def take(self, frame: dict[str, Any]) -> None:
        self.clock = frame["clock"] or self.clock
        for event in frame["events"]:
            match event["type"]:
                case "bar":
                    self._bar(event)
                case "snapshot":
                    self.latest |= {bar["symbol"]: bar["close"] for bar in event["bars"]}
                case "state" | "end":
                    self.states.append({"state": event["state"], "reason": event["reason"]})

    def _bar(self, bar: dict[str, Any]) -> None:
        self.latest[bar["symbol"]] = bar["close"]
        if bar["symbol"] == self.symbol:
            self.bars.append(chart.point(bar))

    def flush(self) -> dict[str, Any]:
        told: dict[str, Any] = {"clock": self.clock, "symbol": self.symbol, "whole": self.whole, "bars": self.bars}
        told |= {"latest": self.latest, "states": self.states}
        self.bars, self.latest, self.states, self.whole = [], {}, [], False
        return told


class Feed:
    """One page's view of one session."""

    def __init__(self, session_id: int, symbol: str, others: list[str]) -> None:
        self.session_id, self.symbol = session_id, symbol
        self.watched = {symbol, *others[:MOST_LATEST]}
        self.unsent = Unsent(symbol)
        self.changed = asyncio.Event()
        self.heat: Heat | None = None
        self.heat_read = self.heat_upto = 0.0
        self.told: bytes = b""

    async def lines(self) -> AsyncIterator[bytes]:
        """Server-sent events, until the reader goes away."""
        filling = asyncio.create_task(self._fill())
        try:
            loop = asyncio.get_running_loop()
            status_at = spoke_at = 0.0
            while True:
                if loop.time() - status_at >= STATUS_EVERY:
                    status_at = loop.time()
                    if line := await self._status():
                        spoke_at = loop.time()
                        yield line
                if self.changed.is_set():
                    self.changed.clear()
                    spoke_at = loop.time()
                    yield _line("tape", orjson.dumps(self.unsent.flush()))
                elif loop.time() - spoke_at > SILENT_AT_MOST:
                    spoke_at = loop.time()
                    yield b": still here\n\n"
                if filling.done():
                    filling.result()
                await asyncio.sleep(TAPE_EVERY)
        finally:
            filling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await filling

    async def _fill(self) -> None:
        """Follow the session; after a seek begin anew, with the day so far."""
        while await self._follow():
            pass
        await asyncio.Event().wait()

    async def _follow(self) -> bool:
        """False once the session has ended."""
        ended = False
        frames = follow(self.session_id, symbols=self.watched, intervals={"1m"})
        async with contextlib.aclosing(frames):  # type: ignore[type-var]  # a generator, told as an iterator
            async for frame in frames:
                kinds = {event["type"] for event in frame["events"]}
                if "reset" in kinds:
                    return True
                if "snapshot" in kinds:
                    await self._begin(frame["clock"])
                ended = ended or "end" in kinds
                self.unsent.take(frame)
                self.changed.set()
        return not ended

    async def _begin(self, clock: str | None) -> None:
        """The page draws its chart anew: what was over by the snapshot's clock, its day and the few before."""
        bars = await in_thread(chart.days_so_far)(self.session_id, self.symbol, clock) if clock else []
        self.unsent.whole, self.unsent.bars = True, bars

    async def _status(self) -> bytes:
        try:
            told = await in_thread(self._read_status)()
        except DatabaseError:
            told = {"away": "Postgres does not answer: what is shown may be old."}
        body = orjson.dumps(told, default=str)
        if body == self.told:
            return b""
        self.told = body
        return _line("status", body)

    def _read_status(self) -> dict[str, Any]:
        session: Any = cards.sessions_to_show(Session.objects.filter(pk=self.session_id)).get()
        now = timezone.now()
        return {"card": cards.card(session, now), "heat": self._heat_rows(session, now)}

    def _heat_rows(self, session: Session, now: dt.datetime) -> dict[str, Any] | None:
        if session.clock is None:
            return None
        since = int(self.heat_upto)
        if self._heat_is_old(session, now):
            self.heat, self.heat_read, since = heat_of(session), now.timestamp(), 0
        assert self.heat is not None
        rows = self.heat.rows(session.clock, since)
        self.heat_upto = rows["upto"]
        return rows

    def _heat_is_old(self, session: Session, now: dt.datetime) -> bool:
        if self.heat is None or now.timestamp() - self.heat_read > HEAT_ANEW:
            return True
        assert session.clock is not None
        day = self.heat.day
        here = day.open <= session.clock <= day.close
        return not here or (session.clock - day.open).total_seconds() // 60 < self.heat_upto


def _line(event: str, body: bytes) -> bytes:
    return b"event: " + event.encode() + b"\ndata: " + body + b"\n\n"
