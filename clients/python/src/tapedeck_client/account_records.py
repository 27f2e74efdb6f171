"""What becomes of accounts' orders."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tapedeck_client.frame_records import FrameId
from tapedeck_client.moments import moment

ACCOUNT = "account"
"""The type of the event in wire form."""


@dataclass(frozen=True, slots=True)
class AccountEvent:
    """An event of an order, in its place behind the frame of its instant."""

    id: FrameId
    clock: dt.datetime
    account: str
    event: str
    """`new`, `fill`, `partial_fill`, `canceled`, …"""
    number: int
    """Its number among the account's events."""
    symbol: str
    order: Mapping[str, Any] = field(repr=False)
    """The order after the event."""
    execution: Mapping[str, Any] | None = field(repr=False)
    """A fill's quantity, price, and what it met on the tape."""
    note: str | None


def account_event_of(message: Mapping[str, Any]) -> AccountEvent:
    """The account event of a message that has one."""
    [row] = message["events"]
    names = ("account", "event", "number", "symbol", "order", "execution", "note")
    return AccountEvent(FrameId.parse(message["id"]), moment(message["clock"]), **{name: row[name] for name in names})
