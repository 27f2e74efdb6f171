"""The way in for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any, Self, TypeVar, Unpack

import httpx

from tapedeck_client import calls
from tapedeck_client.async_session import AsyncSession
from tapedeck_client.calls import Call
from tapedeck_client.http_service import TIMEOUT_SECONDS, async_send, from_environment, service_of
from tapedeck_client.market_records import Bar
from tapedeck_client.moments import Moment
from tapedeck_client.session_info import SystemStatus
from tapedeck_client.start_options import SessionFilters, StartOptions
from tapedeck_client.streams.async_connections import AsyncConnection, async_connected
from tapedeck_client.streams.place import Place
from tapedeck_client.tables import Table

T = TypeVar("T")


class AsyncClient:
    """A Tapedeck server: `AsyncClient("http://127.0.0.1:8000", key="RK….…")`.

    `token` is an account's and opens what the account may; `key` is a session's and opens that session, up to its
    clock. Every method raises ApiError where the server refuses, with its words, and ConnectionLost where it is away.
    """

    def __init__(
        self, url: str, *, token: str | None = None, key: str | None = None, timeout: float = TIMEOUT_SECONDS
    ) -> None:
        self._service = service_of(url, token, key)
        self._http = httpx.AsyncClient(**self._service.settings(timeout))

    @classmethod
    def from_environment(cls) -> Self:
        """Address and credential of `TAPEDECK_URL`, `TAPEDECK_TOKEN` or `TAPEDECK_KEY`."""
        url, token, key = from_environment()
        return cls(url, token=token, key=key)

    @classmethod
    async def login(cls, url: str, username: str, password: str) -> Self:
        """A client with the token of an account."""
        async with cls(url) as stranger:
            token = await stranger.send(calls.token(username, password))
        return cls(url, token=token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"AsyncClient({self._service.url!r})"

    async def aclose(self) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def status(self) -> SystemStatus:
        """The server: services, workers, live sessions."""
        return await self.send(calls.system_status())

    async def session(self, session_id: int) -> AsyncSession:
        """One session by its number."""
        return AsyncSession(await self.send(calls.session(session_id)), self)

    async def sessions(self, **filters: Unpack[SessionFilters]) -> AsyncIterator[AsyncSession]:
        """Sessions, newest first, page by page as they are iterated over; see SessionFilters."""
        cursor: str | None = None
        while True:
            page = await self.send(calls.sessions(cursor, filters))
            for row in page.rows:
                yield AsyncSession(calls.session_info(row), self)
            if (cursor := page.cursor) is None:
                return

    async def start(self, symbols: Iterable[str], **recipe: Unpack[StartOptions]) -> AsyncSession:
        """Start a session; see StartOptions. It answers before the start is over: `wait()` waits for that."""
        return AsyncSession(await self.send(calls.start(symbols, recipe)), self)

    async def stored_bars(
        self,
        symbol: str,
        interval: str | None = None,
        *,
        start: Moment | None = None,
        end: Moment | None = None,
        dataset: str | None = None,
        scope: str | None = None,
    ) -> Table[Bar]:
        """The store's bars, whatever any session's clock says: for accounts that may see them.

        By default the latest stored day's. `scope` is `regular` or `extended`.
        """
        query: Any = calls.stored_bars(symbol, interval, start, end, dataset, scope)
        bars: list[Bar] = []
        while query:
            page = await self.send(calls.stored_bars_page(query))
            bars.extend(page.bars)
            query = page.following
        return Table.of(Bar, bars)

    async def send(self, call: Call[T]) -> T:
        """Send one request and read its answer."""
        return await async_send(self._service, self._http, call)

    def connect(self, place: Place) -> AbstractAsyncContextManager[AsyncConnection]:
        """A stream's connection."""
        return async_connected(self._service, self._http, place)
