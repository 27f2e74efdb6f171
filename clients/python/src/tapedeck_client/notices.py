"""What a stream says beside the market's data: no part of the hash chain, not repeated on reconnecting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tapedeck_client.frame_records import FrameId
from tapedeck_client.market_records import Bar, Quote, Trade, bar_of, quote_of, trade_of
from tapedeck_client.moments import optional_moment
from tapedeck_client.tables import Table


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The day so far as of a frame: where a stream without a cursor begins. The next frame is the one after it."""

    as_of: FrameId | None
    """None before the session's first frame."""
    clock: dt.datetime | None
    bars: Table[Bar] = field(repr=False)
    trades: Table[Trade] = field(repr=False)
    """Each symbol's last."""
    quotes: Table[Quote] = field(repr=False)
    """Each symbol's last."""


@dataclass(frozen=True, slots=True)
class State:
    """The session's state: created, starting, running, paused, completed, stopped or failed."""

    state: str
    reason: str
    clock: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Reset:
    """What came so far is not what the session plays now, e.g. after a seek: a snapshot follows."""

    reason: str


@dataclass(frozen=True, slots=True)
class Lagging:
    """The reader has fallen behind. No frame is missing unless `reason` says so."""

    clock: dt.datetime | None
    seconds: int | None
    """Market time that it is behind."""
    reason: str


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The connection was lost and is back. The next frame is the one after `after`."""

    after: FrameId | None
    seconds: float
    """How long there was none."""
    attempts: int
    reason: str


@dataclass(frozen=True, slots=True)
class Released:
    """The replay no longer waited for this lockstep reader, which was silent for too long. It joins again."""

    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """The session is over: `completed`, `stopped` or `failed`. Nothing follows."""

    state: str
    reason: str
    clock: dt.datetime | None


@dataclass(frozen=True, slots=True)
class OtherNotice:
    """A notice of a type that this version of the package does not know."""

    type: str
    data: Mapping[str, Any]


Notice = Snapshot | State | Reset | Lagging | Reconnected | Released | End | OtherNotice

READERS: Mapping[str, Callable[[Mapping[str, Any]], Notice]] = {
    "state": lambda row: State(row["state"], row["reason"], optional_moment(row["clock"])),
    "end": lambda row: End(row["state"], row["reason"], optional_moment(row["clock"])),
    "reset": lambda row: Reset(row["reason"]),
    "lagging": lambda row: Lagging(optional_moment(row["clock"]), row.get("seconds"), row.get("reason") or ""),
}


def notice_of(row: Mapping[str, Any]) -> Notice:
    """A typed notice of one in wire form; snapshots, which may come in parts, are `snapshot_of`'s."""
    read = READERS.get(row["type"])
    return read(row) if read else OtherNotice(row["type"], row)


def snapshot_of(parts: Sequence[Mapping[str, Any]]) -> Snapshot:
    """One snapshot of all its parts."""
    first, last = parts[0], parts[-1]
    clock = optional_moment(first["clock"])
    return Snapshot(
        FrameId.parse(first["as_of"]) if first["as_of"] else None,
        clock,
        Table.of(Bar, (bar_of(row) for part in parts for row in part["bars"]), clock),
        Table.of(Trade, map(trade_of, last.get("trades") or ()), clock),
        Table.of(Quote, map(quote_of, last.get("quotes") or ()), clock),
    )
