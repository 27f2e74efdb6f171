"""The kinds of a stored day: what really differs between bars, trades and quotes stands in this table.

A further kind is one more entry, its wire form (`marketdata.wire_events`), and its SQL view in a migration.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models

from marketdata.units import SECOND_NS


class DayKind(models.TextChoices):
    """The words of a session's `stream_type`: the specification and the wire call trades `ticks`.

    Where the code says ticks, as in `TickColumns`, it means trades and quotes alike.
    """

    BARS = "bars", "bars"
    TRADES = "ticks", "trades"
    QUOTES = "quotes", "quotes"


@dataclass(frozen=True, slots=True)
class Kind:
    """`values`: columns of numbers that may be absent; `codes`: columns of words, stored as indices into a list."""

    event: str
    """The type of its events on the wire."""
    values: tuple[str, ...]
    codes: tuple[str, ...]
    time: str
    """The column that orders the rows, counted from the session's open."""
    time_unit_ns: int
    merge_order: int
    """Where its events stand among those that become known at one instant: lower ones go out first."""
    frame_number: int
    """What marks a block of the kind within a frame."""


KINDS: dict[str, Kind] = {
    DayKind.BARS: Kind(
        event="bar",
        values=("open", "high", "low", "close", "volume", "trade_count", "vwap"),
        codes=(),
        time="offset",
        time_unit_ns=SECOND_NS,
        merge_order=2,
        frame_number=1,
    ),
    DayKind.TRADES: Kind(
        event="trade",
        values=("price", "size"),
        codes=("exchange", "condition"),
        time="at",
        time_unit_ns=1,
        merge_order=1,
        frame_number=2,
    ),
    DayKind.QUOTES: Kind(
        event="quote",
        values=("bid", "bid_size", "ask", "ask_size"),
        codes=("bid_exchange", "ask_exchange", "condition"),
        time="at",
        time_unit_ns=1,
        merge_order=0,
        frame_number=3,
    ),
}


def outside(kind: str) -> str:
    """What a session pins as: its rows before the open and after the close, a stored day of their own."""
    return f"{kind}.extended"


TICK_KINDS = (DayKind.TRADES, DayKind.QUOTES)
"""Kinds whose rows are single events: they are read chunk by chunk, never a day at once."""
