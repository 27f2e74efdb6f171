"""What `start_session --follow` shows: clock, speed, and per symbol the last price and the count."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from sessions.market_time import shown_in
from sessions.models import Session
from streaming.base.db import in_thread
from streaming.reading.reader import follow

EVERY = 1.0
SHOWN = 20


@dataclass
class Progress:
    """A session as its frames have shown it so far."""

    session_id: int
    interval: str
    speed: float
    zone: ZoneInfo
    clock: str = "-"
    state: str = "starting"
    reason: str = ""
    last: dict[str, float] = field(default_factory=dict)
    count: dict[str, int] = field(default_factory=dict)

    def take(self, frame: dict[str, Any]) -> None:
        if frame["clock"]:
            self.clock = shown_in(self.zone, dt.datetime.fromisoformat(frame["clock"]))
        for event in frame["events"]:
            if event["type"] == "bar" and event["interval"] == self.interval:
                symbol = event["symbol"]
                self.last[symbol] = event["close"]
                self.count[symbol] = self.count.get(symbol, 0) + 1
            elif event["type"] in ("state", "end"):
                self.state, self.reason = event["state"], event["reason"]

    @property
    def pace(self) -> str:
        return "as fast as possible" if self.speed == 0 else f"{self.speed:g}×"

    def line(self) -> str:
        shown = [f"{symbol} {self.last[symbol]} ({self.count[symbol]})" for symbol in sorted(self.last)[:SHOWN]]
        more = len(self.last) - len(shown)
        tail = [f"and {more} more"] if more else []
        return "  ".join([self.clock, self.state, self.pace, *shown, *tail])

    def screen(self) -> Group:
        title = f"Session {self.session_id}  {self.clock}  {self.state}  {self.pace}"
        return Group(Text(title, style="bold"), self._table())

    def _table(self) -> Table:
        table = Table()
        table.add_column("Symbol")
        table.add_column("Last", justify="right")
        table.add_column("Bars", justify="right")
        for symbol in sorted(self.last)[:SHOWN]:
            table.add_row(symbol, f"{self.last[symbol]}", f"{self.count[symbol]}")
        if len(self.last) > SHOWN:
            table.add_row(f"and {len(self.last) - SHOWN} more", "", f"{sum(self.count.values())} in all")
        return table


def watch(session: Session, console: Console) -> Progress:
    """Show the session live on a terminal, line by line elsewhere; returns when it has ended."""
    progress = Progress(session.pk, session.interval, session.speed, session.calendar.zone)
    if not console.is_terminal:
        asyncio.run(_follow(progress, lambda: console.file.write(progress.line() + "\n")))
        return progress
    with Live(progress.screen(), console=console, auto_refresh=False) as live:
        asyncio.run(_follow(progress, lambda: live.update(progress.screen(), refresh=True)))
    return progress


async def _follow(progress: Progress, show: Callable[[], object]) -> None:
    shown = 0.0
    frames = follow(progress.session_id, from_start=True)
    async with aclosing(frames):  # type: ignore[type-var]
        async for frame in frames:
            progress.take(frame)
            if time.monotonic() - shown >= EVERY:
                shown = time.monotonic()
                progress.speed = await _speed(progress.session_id)
                show()
    show()


async def _speed(session_id: int) -> float:
    rows = Session.objects.filter(pk=session_id).values_list("speed", flat=True)
    return float(await in_thread(rows.get)())
