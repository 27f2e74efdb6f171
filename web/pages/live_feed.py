"""The pages' feed of one session, conflated: at most ten messages a second, whatever the session's speed.

A `tape` message holds every new bar of the symbol that the page charts and the latest price of the others; a
`status` message, at most one a second, the session's card and the heat map's new minutes. Nothing in either is
later than the clock: bars come from the frames, ledgers are cut at the row's clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from marketdata.actions.adjusting import Adjustment
from marketdata.columns import Floats
from marketdata.columns.bar_columns import BAR_VALUES
from marketdata.kinds import KINDS, DayKind
from marketdata.wire_events import whole
from sessions.models import Session
from streaming.base.cancellation import end
from streaming.base.db import in_thread
from streaming.engine.frames.bar_blocks import BarBlock
from streaming.engine.frames.frame import Frame
from streaming.engine.frames.frame_id import rfc3339
from streaming.engine.frames.tick_blocks import TickBlock
from streaming.reading.hub import shared_hub
from streaming.reading.reader import Item, Notice, Reading, read
from web.pages import account_panel, cards, chart
from web.pages.account_feed import AccountFeed
from web.pages.heat_panel import Heat, heat_of

TAPE_EVERY = 0.1
STATUS_EVERY = 1.0
SILENT_AT_MOST = 15.0
HEAT_ANEW = 15.0
"""Seconds after which ledgers are read again: minutes may have been filled, symbols added."""
MOST_LATEST = 100
CLOSE = BAR_VALUES.index("close")


@dataclass(slots=True)
class Unsent:
    """What the page was not sent yet."""

    symbol: str
    shown: frozenset[str]
    clock: str | None = None
    whole: chart.Shown | None = None
    """What the page draws anew."""
    bars: list[list[Any]] = field(default_factory=list)
    latest: dict[str, float | str] = field(default_factory=dict)
    sides: dict[str, list[float]] = field(default_factory=dict)
    """Symbol → best bid and ask so far: an exchange quotes one side at a time."""

    def take(self, frame: Frame) -> None:
        self.clock = rfc3339(frame.id.ms)
        for block in frame.blocks:
            if isinstance(block, BarBlock) and block.width == 1:
                self._minute(block)
            elif isinstance(block, TickBlock):
                self._ticks(block)

    def _minute(self, block: BarBlock) -> None:
        start = block.start_ms // 1000
        for i, symbol in enumerate(block.symbols):
            if symbol in self.shown:
                self.latest[symbol] = float(block.columns[CLOSE, i])
            if symbol == self.symbol:
                *prices, volume = block.columns[: CLOSE + 2, i].tolist()
                self.bars.append([start, *prices, whole(volume)])

    def _ticks(self, block: TickBlock) -> None:
        """The last trade, or the last bid and ask, of each symbol in the block."""
        for i, symbol in enumerate(block.symbols):
            if symbol in self.shown:
                rows = block.values[:, block.symbol == i]
                reported = self._trade(rows) if block.kind == DayKind.TRADES else self._quote(symbol, rows)
                self.latest[f"{symbol} {block.kind}"] = reported

    @staticmethod
    def _trade(rows: Floats) -> str:
        price, size = rows[:, -1]
        return f"{price:,.10g}" + ("" if math.isnan(size) else f" × {size:,.0f}")

    def _quote(self, symbol: str, rows: Floats) -> str:
        sides = self.sides.setdefault(symbol, [math.nan, math.nan])
        for side, name in enumerate(("bid", "ask")):
            given = rows[KINDS[DayKind.QUOTES].values.index(name)]
            given = given[~np.isnan(given)]
            if len(given):
                sides[side] = float(given[-1])
        return " / ".join("–" if math.isnan(price) else f"{price:,.10g}" for price in sides)

    def flush(self) -> dict[str, Any]:
        payload: dict[str, Any] = {"clock": self.clock, "symbol": self.symbol, "whole": self.whole is not None}
        payload |= (self.whole.payload() if self.whole else {}) | {"bars": self.bars, "latest": self.latest}
        self.bars, self.latest, self.whole = [], {}, None
        return payload


class Feed:
    """One page's view of one session."""

    def __init__(
        self,
        session_id: int,
        symbol: str,
        others: list[str],
        reader: str = "",
        adjustment: str = Adjustment.SPLIT,
        account: AccountFeed | None = None,
        shows_accounts: bool = False,
        ahead: bool = False,
    ) -> None:
        self.session_id, self.symbol, self.reader, self.adjustment = session_id, symbol, reader, adjustment
        self.good_until = math.inf
        self.account, self.shows_accounts, self.ahead = account, shows_accounts, ahead
        self.unsent = Unsent(symbol, frozenset(others[:MOST_LATEST]))
        self.changed = asyncio.Event()
        self.heat: Heat | None = None
        self.heat_read = self.heat_upto = 0.0
        self.last_sent: bytes = b""

    async def lines(self) -> AsyncIterator[bytes]:
        """Server-sent events, until the reader goes away."""
        filling = asyncio.create_task(self._fill())
        if self.account:
            await self.account.begin()
        try:
            loop = asyncio.get_running_loop()
            status_at = spoke_at = 0.0
            while True:
                if loop.time() - status_at >= STATUS_EVERY:
                    status_at = loop.time()
                    if line := await self._status():
                        spoke_at = loop.time()
                        yield line
                changed = self.changed.is_set()
                if changed:
                    self.changed.clear()
                    spoke_at = loop.time()
                    yield _line("tape", orjson.dumps(self.unsent.flush()))
                if self.account and (body := await self._account_body(changed)):
                    spoke_at = loop.time()
                    yield _line("account", body)
                elif loop.time() - spoke_at > SILENT_AT_MOST:
                    spoke_at = loop.time()
                    yield b": still here\n\n"
                if filling.done():
                    filling.result()
                await asyncio.sleep(TAPE_EVERY)
        finally:
            await end(filling)
            if self.account:
                await self.account.close()

    async def _account_body(self, clock_moved: bool) -> bytes:
        assert self.account is not None
        try:
            return await self.account.body(clock_moved=clock_moved)
        except (DatabaseError, InterfaceError):  # the status says it
            self.account.changed = True
            return b""

    async def _fill(self) -> None:
        """Follow the session; after a seek begin anew, with the day so far."""
        while await self._follow():
            pass
        await asyncio.Event().wait()

    async def _follow(self) -> bool:
        """False once the session has ended."""
        reading = Reading(self.session_id, from_now=True, kind="page", name=self.reader)
        begun = False
        async with shared_hub() as hub, contextlib.aclosing(read(reading, hub)) as items:  # type: ignore[type-var]
            async for item in items:
                kind = item.event["type"] if isinstance(item, Notice) else "frame"
                if kind == "reset":
                    return True
                adjusted_otherwise = isinstance(item, Frame) and item.id.ms >= self.good_until * 1000
                if not begun or adjusted_otherwise:
                    begun = await self._begin(item)
                if isinstance(item, Frame):
                    self.unsent.take(item)
                self.changed.set()
        return False

    async def _begin(self, item: Item) -> bool:
        """The page draws its chart anew: what was over when the reading began, of that day and the few before.

        False before the first frame: then there is nothing to draw yet.
        """
        clock = item.event["clock"] if isinstance(item, Notice) else rfc3339(item.id.ms)
        asked = self.session_id, self.symbol, clock, self.adjustment
        shown = await in_thread(chart.days_so_far)(*asked) if clock else chart.Shown()
        self.good_until = shown.good_until
        self.unsent.clock, self.unsent.whole, self.unsent.bars = clock, shown, shown.bars
        if self.account:
            await self.account.begin()
        return clock is not None

    async def _status(self) -> bytes:
        try:
            reported = await in_thread(self._read_status)()
        except (DatabaseError, InterfaceError):
            reported = {"away": "Postgres does not answer: what is shown may be old."}
        body = orjson.dumps(reported, default=str)
        if body == self.last_sent:
            return b""
        self.last_sent = body
        return _line("status", body)

    def _read_status(self) -> dict[str, Any]:
        rows = cards.sessions_to_show(Session.objects.filter(pk=self.session_id), ahead=self.ahead)
        session: Any = rows.get()
        now = timezone.now()
        symbols = session.symbols()
        self.unsent.shown = frozenset(symbols[:MOST_LATEST])
        reported = {"card": cards.card(session, now), "heat": self._heat_rows(session, now), "symbols": symbols}
        return reported | ({"accounts": account_panel.names(session)} if self.shows_accounts else {})

    def _heat_rows(self, session: Session, now: dt.datetime) -> dict[str, Any] | None:
        if session.run.clock is None:
            return None
        since = int(self.heat_upto)
        if self._heat_is_old(session, now):
            self.heat, self.heat_read, since = heat_of(session), now.timestamp(), 0
        assert self.heat is not None
        rows = self.heat.rows(session.run.clock, since)
        self.heat_upto = rows["upto"]
        return rows

    def _heat_is_old(self, session: Session, now: dt.datetime) -> bool:
        if self.heat is None or now.timestamp() - self.heat_read > HEAT_ANEW:
            return True
        assert session.run.clock is not None
        day = self.heat.day
        here = day.begin <= session.run.clock <= day.end
        return not here or max(0.0, (session.run.clock - day.open).total_seconds() // 60) < self.heat_upto


def _line(event: str, body: bytes) -> bytes:
    return b"event: " + event.encode() + b"\ndata: " + body + b"\n\n"
