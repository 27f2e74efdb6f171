"""A session's card that follows the session: one display of a notebook's cell, changed twice a second at most."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tapedeck_client.errors import TapedeckError
from tapedeck_client.extras import extra
from tapedeck_client.frame_records import Frame
from tapedeck_client.market_records import Bar
from tapedeck_client.notebook.session_view import CHART_BARS, SessionView
from tapedeck_client.notices import End, Reset, Snapshot, State
from tapedeck_client.session_info import SessionInfo
from tapedeck_client.streams.place import Item

if TYPE_CHECKING:
    from tapedeck_client.async_session import AsyncSession
    from tapedeck_client.session import Session

EVERY_SECONDS = 0.5


class LiveView:
    """The card as the stream changes it. `show` gets a view, first at once, then at most every EVERY_SECONDS."""

    def __init__(
        self, info: SessionInfo, symbol: str, interval: str | None, show: Callable[[SessionView], None]
    ) -> None:
        self.info, self.symbol, self.interval, self.show = info, symbol, interval or info.interval, show
        self.bars: deque[Bar] = deque(maxlen=CHART_BARS)
        self.shown: float | None = None

    def options(self) -> dict[str, Any]:
        """What it asks of the session's stream."""
        return {"symbols": [self.symbol], "intervals": [self.interval], "name": "notebook"}

    def take(self, item: Item, now: float) -> None:
        """Change with the stream."""
        if isinstance(item, Frame | Snapshot):
            self.info = replace(self.info, clock=item.clock)
            self.bars.extend(item.bars)
        elif isinstance(item, Reset):
            self.bars.clear()
        elif isinstance(item, State | End):
            self.info = replace(self.info, state=item.state, reason=item.reason)
        if self.shown is None or now - self.shown >= EVERY_SECONDS or isinstance(item, State | End):
            self.paint(now)

    def paint(self, now: float) -> None:
        """Show how it is."""
        self.shown = now
        self.show(SessionView(self.info, self.symbol, tuple(self.bars)))


def watch(session: Session, symbol: str | None, interval: str | None, seconds: float | None) -> None:
    """Follow a session in a cell. Raises TapedeckError where it plays no symbol."""
    view = _live_view(session.refresh(), symbol, interval)
    begun = time.monotonic()
    with session.stream(**view.options()) as items:
        for item in items:
            view.take(item, time.monotonic())
            if seconds is not None and time.monotonic() - begun > seconds:
                break
    view.paint(time.monotonic())


async def watch_async(session: AsyncSession, symbol: str | None, interval: str | None, seconds: float | None) -> None:
    """Like `watch`; as a task it leaves the notebook free for other cells."""
    view = _live_view(await session.refresh(), symbol, interval)
    begun = time.monotonic()
    async with session.stream(**view.options()) as items:
        async for item in items:
            view.take(item, time.monotonic())
            if seconds is not None and time.monotonic() - begun > seconds:
                break
    view.paint(time.monotonic())


def _live_view(info: SessionInfo, symbol: str | None, interval: str | None) -> LiveView:
    shown = symbol or next(iter(info.symbols), None)
    if shown is None:
        raise TapedeckError(f"Session {info.id} is {info.state} and has no active symbol: name the one to show.")
    return LiveView(info, shown, interval, _display())


def _display() -> Callable[[SessionView], None]:
    """A display of the cell that can be changed. Raises MissingExtra without IPython."""
    with extra("IPython", "jupyter", "watch()"):
        from IPython.display import DisplayHandle
    handle, shown = DisplayHandle(), False  # type: ignore[no-untyped-call]

    def show(view: SessionView) -> None:
        nonlocal shown
        (handle.update if shown else handle.display)(view)  # type: ignore[no-untyped-call]
        shown = True

    return show
