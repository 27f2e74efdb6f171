"""A session for asyncio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any, Unpack

from tapedeck_client import account_calls, calls
from tapedeck_client.account_handle import only
from tapedeck_client.async_account import AsyncAccount
from tapedeck_client.calls import Call
from tapedeck_client.market_records import Bar, Quote, Trade
from tapedeck_client.moments import Moment
from tapedeck_client.notebook.session_view import CHART_BARS, SessionView
from tapedeck_client.opening_options import OpeningOptions
from tapedeck_client.senders import AsyncSender
from tapedeck_client.session_handle import LOOK_SECONDS, PLAYING, SessionHandle
from tapedeck_client.session_info import ReaderInfo, SessionInfo
from tapedeck_client.streams.async_stream import AsyncStream
from tapedeck_client.streams.stream_request import StreamOptions, stream_request
from tapedeck_client.tables import Table


@dataclass(eq=False)
class AsyncSession(SessionHandle):
    """One session of the server: its data up to its clock, its stream, its controls.

    Every method raises ApiError where the server refuses, with its words, and ConnectionLost where it is away.
    """

    client: AsyncSender = field(repr=False)

    async def refresh(self) -> SessionInfo:
        """Ask how it is now."""
        return await self._learn(calls.session(self.id))

    async def wait(self, states: tuple[str, ...] = PLAYING, timeout: float = 60.0) -> SessionInfo:
        """Wait for a state, by default for the start to be over. Raises SessionFailed and WaitTimeout."""
        begun = time.monotonic()
        while not self.reached(states, time.monotonic() - begun, timeout):
            await asyncio.sleep(LOOK_SECONDS)
            await self.refresh()
        return self.info

    async def settle(self, timeout: float = 60.0) -> SessionInfo:
        """Wait until a pause, resume, step, seek or stop is done: controls answer before that.

        Raises SessionFailed and WaitTimeout.
        """
        begun = time.monotonic()
        while not self.is_settled(time.monotonic() - begun, timeout):
            await asyncio.sleep(LOOK_SECONDS)
            await self.refresh()
        return self.info

    # --- its data, nothing of it later than its clock ----------------------------------------------------

    async def bars(
        self,
        symbol: str,
        interval: str | None = None,
        *,
        start: Moment | None = None,
        end: Moment | None = None,
        limit: int | None = None,
        adjustment: str | None = None,
    ) -> Table[Bar]:
        """Bars known by the clock, by default the current day's; of more than `limit` the newest.

        `adjustment`: raw (the default), split, dividend or all, by actions that have gone ex by the clock.
        """
        return await self.client.send(calls.session_bars(self.id, symbol, interval, start, end, limit, adjustment))

    async def trades(self, symbol: str, *, start: Moment | None = None, limit: int | None = None) -> Table[Trade]:
        """The current day's trades known by the clock; of more than `limit` (1000) the newest."""
        return await self.client.send(calls.session_trades(self.id, symbol, start, limit))

    async def quotes(self, symbol: str, *, start: Moment | None = None, limit: int | None = None) -> Table[Quote]:
        """The current day's quotes known by the clock; of more than `limit` (1000) the newest."""
        return await self.client.send(calls.session_quotes(self.id, symbol, start, limit))

    async def readers(self) -> tuple[ReaderInfo, ...]:
        """Who reads it, the slowest first."""
        return await self.client.send(calls.readers(self.id))

    # --- its stream --------------------------------------------------------------------------------------

    def stream(self, symbols: Iterable[str] | None = None, **options: Unpack[StreamOptions]) -> AsyncStream:
        """Frames and notices as they come; see StreamOptions. By default of all that it plays, from now on."""
        return AsyncStream(stream_request(self.id, symbols, **options), self.client.connect)

    def stream_bars(
        self, symbols: Iterable[str] | None = None, interval: str = "1m", **options: Unpack[StreamOptions]
    ) -> AsyncIterator[Bar]:
        """Bars one by one: all of the run so far, or those after a frame, then each as it becomes known."""
        return self._run_so_far(symbols, options, intervals=[interval]).bars()

    def stream_trades(
        self, symbols: Iterable[str] | None = None, **options: Unpack[StreamOptions]
    ) -> AsyncIterator[Trade]:
        """Trades one by one: all of the run so far, or those after a frame, then each as it becomes known."""
        return self._run_so_far(symbols, options, types=["ticks"]).trades()

    def stream_quotes(
        self, symbols: Iterable[str] | None = None, **options: Unpack[StreamOptions]
    ) -> AsyncIterator[Quote]:
        """Quotes one by one: all of the run so far, or those after a frame, then each as it becomes known."""
        return self._run_so_far(symbols, options, types=["quotes"]).quotes()

    def _run_so_far(self, symbols: Iterable[str] | None, options: StreamOptions, **kind: Any) -> AsyncStream:
        beginning = {"from_start": options.get("after") is None}
        return self.stream(symbols, **{**beginning, **options, **kind})

    # --- its accounts ------------------------------------------------------------------------------------

    async def accounts(self) -> tuple[AsyncAccount, ...]:
        """All of them, each as it stands at the clock."""
        found = await self.client.send(account_calls.accounts(self.id))
        return tuple(AsyncAccount(info, self.client) for info in found)

    async def account(self, name: str = "") -> AsyncAccount:
        """The account of this name; without one the only one that is seen, as with a broker key. Raises NotFound.

        Without a name LookupError where there are none or several.
        """
        if name:
            return AsyncAccount(await self.client.send(account_calls.account(self.id, name)), self.client)
        return only(await self.accounts())

    async def open_account(self, name: str = "", **opening: Unpack[OpeningOptions]) -> AsyncAccount:
        """A new account at the clock; see OpeningOptions. Without a name it is numbered.

        Raises InvalidRequest for a name that is taken and for values that are not possible.
        """
        return AsyncAccount(await self.client.send(account_calls.open_account(self.id, name, opening)), self.client)

    # --- its controls ------------------------------------------------------------------------------------

    async def pause(self) -> SessionInfo:
        """Hold the clock."""
        return await self._learn(calls.control(self.id, "pause"))

    async def resume(self) -> SessionInfo:
        """Let the clock run."""
        return await self._learn(calls.control(self.id, "resume"))

    async def step(self, minutes: int = 1) -> SessionInfo:
        """Let a paused session run some minutes of its market."""
        return await self._learn(calls.control(self.id, "step", minutes=minutes))

    async def seek(self, to: Moment) -> SessionInfo:
        """Move the clock, forward or back; streams get a Reset."""
        return await self._learn(calls.seek(self.id, to))

    async def set_speed(self, speed: float) -> SessionInfo:
        """Market seconds per second; 0 is as fast as possible."""
        return await self._learn(calls.control(self.id, "speed", speed=speed))

    async def add_symbols(self, *symbols: str) -> SessionInfo:
        """Play more symbols, from the clock on."""
        return await self._learn(calls.control(self.id, "add_symbols", symbols=list(symbols)))

    async def remove_symbols(self, *symbols: str) -> SessionInfo:
        """Stop playing symbols; at least one stays."""
        return await self._learn(calls.control(self.id, "remove_symbols", symbols=list(symbols)))

    async def stop(self) -> SessionInfo:
        """End it."""
        return await self._learn(calls.control(self.id, "stop"))

    async def fork(self, at: Moment | None = None) -> AsyncSession:
        """A new session at this one's clock, or at an earlier time, on the same data; of one that has ended, too."""
        return AsyncSession(await self.client.send(calls.fork(self.id, at)), self.client)

    async def restart(self) -> AsyncSession:
        """A new session from the same recipe."""
        return AsyncSession(await self.client.send(calls.control(self.id, "restart")), self.client)

    async def _learn(self, call: Call[SessionInfo]) -> SessionInfo:
        self.info = await self.client.send(call)
        return self.info

    # --- in a notebook -----------------------------------------------------------------------------------

    async def view(self, symbol: str | None = None, interval: str | None = None) -> SessionView:
        """How it is now, as a notebook shows it: clock, state, symbols, and candles of one of them."""
        await self.refresh()
        shown = symbol or next(iter(self.symbols), None)
        if shown is None or "bars" not in self.info.types:
            return SessionView(self.info)
        return SessionView(self.info, shown, await self.bars(shown, interval, limit=CHART_BARS))

    async def watch(
        self, symbol: str | None = None, interval: str | None = None, *, seconds: float | None = None
    ) -> None:
        """Show it live in a notebook's cell, until it ends or `seconds` are over. Needs IPython."""
        from tapedeck_client.notebook.live_view import watch_async

        await watch_async(self, symbol, interval, seconds)

    def _repr_html_(self) -> str:
        """The session as last answered, without candles: a display cannot wait. `await session.view()` has them."""
        return SessionView(self.info)._repr_html_()
