"""A stream as a plain iterator."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import islice
from typing import Self

from tapedeck_client.account_records import AccountEvent
from tapedeck_client.errors import ConnectionLost, TapedeckError
from tapedeck_client.frame_records import Batch, Frame
from tapedeck_client.market_records import Bar, Quote, Trade
from tapedeck_client.notices import Released
from tapedeck_client.streams.attempts import Attempts
from tapedeck_client.streams.connections import Connection, ReaderReleased
from tapedeck_client.streams.place import Item, Place, to_acknowledge
from tapedeck_client.streams.stream_base import RAN_AWAY, StreamBase

ENDED_EARLY = "The server closed the stream before the session's end."


@dataclass(eq=False)
class Stream(StreamBase):
    """Frames and notices of a session, in order, each exactly once, until the session's end.

    Nothing is connected before the first item is asked for. Raises ApiError where the server refuses the stream, and
    ConnectionLost where it cannot be reached at first, or later for longer than `patience` seconds.
    """

    connect: Callable[[Place], AbstractContextManager[Connection]] = field(repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._items = self._run()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        """The next item; in lockstep the one before is acknowledged."""
        return next(self._items)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the session."""
        self._items.close()

    def frames(self) -> Iterator[Frame]:
        """Frames alone; notices go to `on_notice`, or to the log where they matter. Raises SessionFailed."""
        for item in self:
            if isinstance(item, Frame):
                yield item
            elif not isinstance(item, AccountEvent):
                self.note(item)

    def account_events(self) -> Iterator[AccountEvent]:
        """What becomes of the accounts' orders, of those that the stream was asked for. Raises SessionFailed."""
        for item in self:
            if isinstance(item, AccountEvent):
                yield item
            elif not isinstance(item, Frame):
                self.note(item)

    def bars(self) -> Iterator[Bar]:
        """The frames' bars, one by one."""
        return (bar for frame in self.frames() for bar in frame.bars)

    def trades(self) -> Iterator[Trade]:
        """The frames' trades, one by one."""
        return (trade for frame in self.frames() for trade in frame.trades)

    def quotes(self) -> Iterator[Quote]:
        """The frames' quotes, one by one."""
        return (quote for frame in self.frames() for quote in frame.quotes)

    def batches(self, frames: int) -> Iterator[Batch]:
        """So many frames at a time; the last batch may be smaller."""
        found = self.frames()
        while batch := tuple(islice(found, frames)):
            yield Batch(batch)

    def _run(self) -> Generator[Item]:
        attempts = Attempts(self.request.patience)
        while not self.place.ended:
            try:
                yield from self._connection(attempts)
            except ReaderReleased as error:
                yield Released(str(error))
            except TapedeckError as error:
                time.sleep(attempts.failed(error, time.monotonic()))

    def _connection(self, attempts: Attempts) -> Generator[Item]:
        """What one connection brings, to its end."""
        with self.connect(self.place) as connection:
            if notice := attempts.succeeded(self.place.cursor, time.monotonic()):
                yield notice
            for message in connection.messages():
                for item in self.place.take(message):
                    yield item
                    if self._ran_away(connection, item):
                        yield Released(RAN_AWAY)
                if self.place.ended:
                    return
            raise ConnectionLost(ENDED_EARLY)

    def _ran_away(self, connection: Connection, item: Item) -> bool:
        """Acknowledge an item in lockstep; True once where the session has ended without waiting for that."""
        frame = to_acknowledge(item) if self.request.lockstep else None
        return frame is not None and not connection.acknowledge(frame) and self.missed()
