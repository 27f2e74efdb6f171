"""Frames: everything that became known at one instant, with the place that a stream goes on from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from tapedeck_client.market_records import Bar, Quote, Revision, Trade, bar_of, quote_of, revision_of, trade_of
from tapedeck_client.moments import moment
from tapedeck_client.tables import Table

Wire = Mapping[str, Any]


class FrameId(NamedTuple):
    """A frame's place, and the cursor of a stream: `str(frame.id)` can be kept and given as `after`."""

    generation: int
    ms: int
    n: int

    def __str__(self) -> str:
        return f"{self.generation}.{self.ms}-{self.n}"

    @classmethod
    def parse(cls, text: str | FrameId) -> FrameId:
        """Raises ValueError for what is no frame's id."""
        if isinstance(text, FrameId):
            return text
        generation, _, entry = text.partition(".")
        ms, _, n = entry.partition("-")
        try:
            return cls(int(generation), int(ms), int(n))
        except ValueError:
            raise ValueError(f"{text!r} is no frame's id: they look like 1.1731940260000-0.") from None


@dataclass(frozen=True, slots=True)
class DayOpen:
    """The first frame of a trading day of `minutes` minutes."""

    date: dt.date
    minutes: int


@dataclass(frozen=True, slots=True)
class DayClose:
    """The last frame of a trading day."""

    date: dt.date


@dataclass(frozen=True, slots=True)
class OtherEvent:
    """An event of a type that this version of the package does not know."""

    type: str
    data: Wire


Event = Bar | Revision | Trade | Quote | DayOpen | DayClose | OtherEvent

READERS: dict[str, Callable[[Wire], Event]] = {
    "bar": bar_of,
    "revision": revision_of,
    "trade": trade_of,
    "quote": quote_of,
    "day_open": lambda row: DayOpen(dt.date.fromisoformat(row["date"]), row["minutes"]),
    "day_close": lambda row: DayClose(dt.date.fromisoformat(row["date"])),
}


def event_of(row: Wire) -> Event:
    """A typed event of one in wire form."""
    read = READERS.get(row["type"])
    return read(row) if read else OtherEvent(row["type"], row)


@dataclass(frozen=True)
class Frame:
    """What became known at `clock`. Events are made when they are asked for."""

    id: FrameId
    clock: dt.datetime
    hash: str
    """The chain of all frames so far: the same for every reader of the session."""
    wire_events: Sequence[Wire] = field(repr=False)
    hours: str = "regular"
    """`pre` before the open, `post` after the close, in sessions that play those hours."""

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """All events, in the session's order."""
        return tuple(map(event_of, self.wire_events))

    @cached_property
    def bars(self) -> Table[Bar]:
        return Table.of(Bar, map(bar_of, self._of("bar")), self.clock)

    @cached_property
    def revisions(self) -> Table[Revision]:
        return Table.of(Revision, map(revision_of, self._of("revision")), self.clock)

    @cached_property
    def trades(self) -> Table[Trade]:
        return Table.of(Trade, map(trade_of, self._of("trade")), self.clock)

    @cached_property
    def quotes(self) -> Table[Quote]:
        return Table.of(Quote, map(quote_of, self._of("quote")), self.clock)

    def _of(self, kind: str) -> list[Wire]:
        return [row for row in self.wire_events if row["type"] == kind]


@dataclass(frozen=True)
class Batch:
    """Some frames in a row as one, for work on DataFrames."""

    frames: tuple[Frame, ...]

    @property
    def clock(self) -> dt.datetime:
        """The last frame's."""
        return self.frames[-1].clock

    @cached_property
    def bars(self) -> Table[Bar]:
        return Table.of(Bar, (bar for frame in self.frames for bar in frame.bars), self.clock)

    @cached_property
    def trades(self) -> Table[Trade]:
        return Table.of(Trade, (trade for frame in self.frames for trade in frame.trades), self.clock)

    @cached_property
    def quotes(self) -> Table[Quote]:
        return Table.of(Quote, (quote for frame in self.frames for quote in frame.quotes), self.clock)


def frame_of(message: Wire) -> Frame:
    """The frame of a message that has an id."""
    return Frame(
        FrameId.parse(message["id"]),
        moment(message["clock"]),
        message["hash"],
        message["events"],
        message.get("hours", "regular"),
    )
