"""A session for plain Python."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Unpack

from tapedeck_client import account_calls, calls
from tapedeck_client.account import Account
from tapedeck_client.account_handle import only
from tapedeck_client.calls import Call
from tapedeck_client.errors import TapedeckError
from tapedeck_client.market_records import Bar, Quote, Trade
from tapedeck_client.moments import Moment
from tapedeck_client.notebook.session_view import CHART_BARS, SessionView
from tapedeck_client.opening_options import OpeningOptions
from tapedeck_client.senders import Sender
from tapedeck_client.session_handle import LOOK_SECONDS, PLAYING, SessionHandle
from tapedeck_client.session_info import ReaderInfo, SessionInfo
from tapedeck_client.streams.stream import Stream
from tapedeck_client.streams.stream_request import StreamOptions, stream_request
from tapedeck_client.tables import Table


@dataclass(eq=False)
class Session(SessionHandle):
    """One session of the server: its data up to its clock, its stream, its controls.

    Every method raises ApiError where the server refuses, with its words, and ConnectionLost where it is away.
    """

    client: Sender = field(repr=False)

    def refresh(self) -> SessionInfo:
        """Ask how it is now."""
        return self._learn(calls.session(self.id))

    def wait(self, states: tuple[str, ...] = PLAYING, timeout: float = 60.0) -> SessionInfo:
        """Wait for a state, by default for the start to be over. Raises SessionFailed and WaitTimeout."""
        begun = time.monotonic()
        while not self.reached(states, time.monotonic() - begun, timeout):
            time.sleep(LOOK_SECONDS)
            self.refresh()
        return self.info

    def settle(self, timeout: float = 60.0) -> SessionInfo:
        """Wait until a pause, resume, step, seek or stop is done: controls answer before that.

        Raises SessionFailed and WaitTimeout.
        """
        begun = time.monotonic()
        while not self.is_settled(time.monotonic() - begun, timeout):
            time.sleep(LOOK_SECONDS)
            self.refresh()
        return self.info

    # --- its data, nothing of it later than its clock ----------------------------------------------------

    def bars(
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
        return self.client.send(calls.session_bars(self.id, symbol, interval, start, end, limit, adjustment))

    def trades(self, symbol: str, *, start: Moment | None = None, limit: int | None = None) -> Table[Trade]:
        """The current day's trades known by the clock; of more than `limit` (1000) the newest."""
        return self.client.send(calls.session_trades(self.id, symbol, start, limit))

    def quotes(self, symbol: str, *, start: Moment | None = None, limit: int | None = None) -> Table[Quote]:
        """The current day's quotes known by the clock; of more than `limit` (1000) the newest."""
        return self.client.send(calls.session_quotes(self.id, symbol, start, limit))

    def readers(self) -> tuple[ReaderInfo, ...]:
        """Who reads it, the slowest first."""
        return self.client.send(calls.readers(self.id))

    # --- its stream --------------------------------------------------------------------------------------

    def stream(self, symbols: Iterable[str] | None = None, **options: Unpack[StreamOptions]) -> Stream:
        """Frames and notices as they come; see StreamOptions. By default of all that it plays, from now on."""
        return Stream(stream_request(self.id, symbols, **options), self.client.connect)

    def stream_bars(
        self, symbols: Iterable[str] | None = None, interval: str = "1m", **options: Unpack[StreamOptions]
    ) -> Iterator[Bar]:
        """Bars one by one: all of the run so far, or those after a frame, then each as it becomes known."""
        return self._run_so_far(symbols, options, intervals=[interval]).bars()

    def stream_trades(self, symbols: Iterable[str] | None = None, **options: Unpack[StreamOptions]) -> Iterator[Trade]:
        """Trades one by one: all of the run so far, or those after a frame, then each as it becomes known."""
        return self._run_so_far(symbols, options, types=["ticks"]).trades()

    def stream_quotes(self, symbols: Iterable[str] | None = None, **options: Unpack[StreamOptions]) -> Iterator[Quote]:
        """Quotes one by one: all of the run so far, or those after a frame, then each as it becomes known."""
        return self._run_so_far(symbols, options, types=["quotes"]).quotes()

    def _run_so_far(self, symbols: Iterable[str] | None, options: StreamOptions, **kind: Any) -> Stream:
        beginning = {"from_start": options.get("after") is None}
        return self.stream(symbols, **{**beginning, **options, **kind})

    # --- its accounts ------------------------------------------------------------------------------------

    def accounts(self) -> tuple[Account, ...]:
        """All of them, each as it stands at the clock."""
        return tuple(Account(info, self.client) for info in self.client.send(account_calls.accounts(self.id)))

    def account(self, name: str = "") -> Account:
        """The account of this name; without one the only one that is seen, as with a broker key. Raises NotFound.

        Without a name LookupError where there are none or several.
        """
        if name:
            return Account(self.client.send(account_calls.account(self.id, name)), self.client)
        return only(self.accounts())

    def open_account(self, name: str = "", **opening: Unpack[OpeningOptions]) -> Account:
        """A new account at the clock; see OpeningOptions. Without a name it is numbered.

        Raises InvalidRequest for a name that is taken and for values that are not possible.
        """
        return Account(self.client.send(account_calls.open_account(self.id, name, opening)), self.client)

    # --- its controls ------------------------------------------------------------------------------------

    def pause(self) -> SessionInfo:
        """Hold the clock."""
        return self._learn(calls.control(self.id, "pause"))

    def resume(self) -> SessionInfo:
        """Let the clock run."""
        return self._learn(calls.control(self.id, "resume"))

    def step(self, minutes: int = 1) -> SessionInfo:
        """Let a paused session run some minutes of its market."""
        return self._learn(calls.control(self.id, "step", minutes=minutes))

    def seek(self, to: Moment) -> SessionInfo:
        """Move the clock, forward or back; streams get a Reset."""
        return self._learn(calls.seek(self.id, to))

    def set_speed(self, speed: float) -> SessionInfo:
        """Market seconds per second; 0 is as fast as possible."""
        return self._learn(calls.control(self.id, "speed", speed=speed))

    def add_symbols(self, *symbols: str) -> SessionInfo:
        """Play more symbols, from the clock on."""
        return self._learn(calls.control(self.id, "add_symbols", symbols=list(symbols)))

    def remove_symbols(self, *symbols: str) -> SessionInfo:
        """Stop playing symbols; at least one stays."""
        return self._learn(calls.control(self.id, "remove_symbols", symbols=list(symbols)))

    def stop(self) -> SessionInfo:
        """End it."""
        return self._learn(calls.control(self.id, "stop"))

    def fork(self, at: Moment | None = None) -> Session:
        """A new session at this one's clock, or at an earlier time, on the same data; of one that has ended, too."""
        return Session(self.client.send(calls.fork(self.id, at)), self.client)

    def restart(self) -> Session:
        """A new session from the same recipe."""
        return Session(self.client.send(calls.control(self.id, "restart")), self.client)

    def _learn(self, call: Call[SessionInfo]) -> SessionInfo:
        self.info = self.client.send(call)
        return self.info

    # --- in a notebook -----------------------------------------------------------------------------------

    def view(self, symbol: str | None = None, interval: str | None = None) -> SessionView:
        """How it is now, as a notebook shows it: clock, state, symbols, and candles of one of them."""
        self.refresh()
        shown = symbol or next(iter(self.symbols), None)
        if shown is None or "bars" not in self.info.types:
            return SessionView(self.info)
        return SessionView(self.info, shown, self.bars(shown, interval, limit=CHART_BARS))

    def watch(self, symbol: str | None = None, interval: str | None = None, *, seconds: float | None = None) -> None:
        """Show it live in a notebook's cell, until it ends or `seconds` are over. Needs IPython."""
        from tapedeck_client.notebook.live_view import watch

        watch(self, symbol, interval, seconds)

    def _repr_html_(self) -> str:
        try:
            return self.view()._repr_html_()
        except TapedeckError as error:
            return SessionView(self.info, problem=str(error))._repr_html_()
