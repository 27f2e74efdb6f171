"""What becomes of accounts' orders."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tapedeck_client.decoding import decode
from tapedeck_client.frame_records import FrameId
from tapedeck_client.moments import moment, optional_moment
from tapedeck_client.trading_records import Execution, OrderInfo

ACCOUNT = "account"
"""The type of the event in wire form."""


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """An event of an order, in its place behind the frame of its instant."""

    id: FrameId
    """A cursor: as `after` of another stream it goes on behind it."""
    clock: dt.datetime
    """Of the frame that it is behind."""
    time: dt.datetime | None
    """Market time; earlier than the clock where a seek skipped it."""
    account: str
    event: str
    """`new`, `fill`, `partial_fill`, `canceled`, …"""
    number: int
    """Its number among the account's events."""
    symbol: str
    order: OrderInfo = field(repr=False)
    """The order after the event."""
    execution: Execution | None = field(repr=False)
    """A fill's quantity, price, and what it met on the tape."""
    note: str | None


def account_event_of(message: Mapping[str, Any]) -> AccountEvent:
    """The account event of a message that has one."""
    [row] = message["events"]
    execution = row["execution"]
    return AccountEvent(
        FrameId.parse(message["id"]),
        moment(message["clock"]),
        optional_moment(row.get("time")),
        row["account"],
        row["event"],
        row["number"],
        row["symbol"],
        decode(OrderInfo, row["order"]),
        None if execution is None else decode(Execution, execution),
        row["note"],
    )
