"""A stream as an asynchronous iterator."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from typing import Self

from tapedeck_client.account_records import AccountEvent
from tapedeck_client.errors import ConnectionLost, TapedeckError
from tapedeck_client.frame_records import Batch, Frame
from tapedeck_client.market_records import Bar, Quote, Trade
from tapedeck_client.notices import Released
from tapedeck_client.streams.async_connections import AsyncConnection
from tapedeck_client.streams.attempts import Attempts
from tapedeck_client.streams.connections import ReaderReleased
from tapedeck_client.streams.place import Item, Place, to_acknowledge
from tapedeck_client.streams.stream import ENDED_EARLY
from tapedeck_client.streams.stream_base import RAN_AWAY, StreamBase


@dataclass(eq=False)
class AsyncStream(StreamBase):
    """Frames and notices of a session, in order, each exactly once, until the session's end.

    Nothing is connected before the first item is asked for. Raises ApiError where the server refuses the stream, and
    ConnectionLost where it cannot be reached at first, or later for longer than `patience` seconds.
    """

    connect: Callable[[Place], AbstractAsyncContextManager[AsyncConnection]] = field(repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._items = self._run()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        """The next item; in lockstep the one before is acknowledged."""
        return await anext(self._items)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Leave the session."""
        await self._items.aclose()

    async def frames(self) -> AsyncIterator[Frame]:
        """Frames alone; notices go to `on_notice`, or to the log where they matter. Raises SessionFailed."""
        async for item in self:
            if isinstance(item, Frame):
                yield item
            elif not isinstance(item, AccountEvent):
                self.note(item)

    async def account_events(self) -> AsyncIterator[AccountEvent]:
        """What becomes of the accounts' orders, of those that the stream was asked for. Raises SessionFailed."""
        async for item in self:
            if isinstance(item, AccountEvent):
                yield item
            elif not isinstance(item, Frame):
                self.note(item)

    async def bars(self) -> AsyncIterator[Bar]:
        """The frames' bars, one by one."""
        async for frame in self.frames():
            for bar in frame.bars:
                yield bar

    async def trades(self) -> AsyncIterator[Trade]:
        """The frames' trades, one by one."""
        async for frame in self.frames():
            for trade in frame.trades:
                yield trade

    async def quotes(self) -> AsyncIterator[Quote]:
        """The frames' quotes, one by one."""
        async for frame in self.frames():
            for quote in frame.quotes:
                yield quote

    async def batches(self, frames: int) -> AsyncIterator[Batch]:
        """So many frames at a time; the last batch may be smaller."""
        held: list[Frame] = []
        async for frame in self.frames():
            held.append(frame)
            if len(held) == frames:
                yield Batch(tuple(held))
                held = []
        if held:
            yield Batch(tuple(held))

    async def _run(self) -> AsyncGenerator[Item]:
        attempts = Attempts(self.request.patience)
        while not self.place.ended:
            try:
                async with aclosing(self._connection(attempts)) as items:
                    async for item in items:
                        yield item
            except ReaderReleased as error:
                yield Released(str(error))
            except TapedeckError as error:
                await asyncio.sleep(attempts.failed(error, time.monotonic()))

    async def _connection(self, attempts: Attempts) -> AsyncGenerator[Item]:
        """What one connection brings, to its end."""
        async with self.connect(self.place) as connection:
            if notice := attempts.succeeded(self.place.cursor, time.monotonic()):
                yield notice
            async for message in connection.messages():
                for item in self.place.take(message):
                    yield item
                    if await self._ran_away(connection, item):
                        yield Released(RAN_AWAY)
                if self.place.ended:
                    return
            raise ConnectionLost(ENDED_EARLY)

    async def _ran_away(self, connection: AsyncConnection, item: Item) -> bool:
        """Acknowledge an item in lockstep; True once where the session has ended without waiting for that."""
        frame = to_acknowledge(item) if self.request.lockstep else None
        return frame is not None and not await connection.acknowledge(frame) and self.missed()
