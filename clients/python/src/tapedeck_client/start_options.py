"""What a session is started with, and what a list of sessions can be narrowed by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TypedDict


class StartOptions(TypedDict, total=False):
    """A session's recipe; what is left out is the server's default."""

    date: dt.date | str
    """The first day; default: the latest that the dataset has for all the symbols."""
    until: dt.date | str
    """The last day; default: the first."""
    speed: float
    """Market seconds per second (1); 0 is as fast as possible."""
    interval: str
    """The interval of its bars (1m)."""
    derive: Iterable[str]
    """Wider intervals that it plays too (5m, 15m)."""
    types: Iterable[str]
    """What it plays of bars, trades and quotes (bars)."""
    clock_step: int
    """Milliseconds by which trades and quotes are grouped (100)."""
    hours: str
    """`regular`, or `extended`: also before the open and after the close."""
    paused: bool
    """Stand at the first open until it is resumed."""
    night_seconds: float
    """Seconds that a night lasts between two days, at paced speeds (3)."""
    dataset: str
    provider: str
    name: str
    as_known: bool
    """Replay each version of the data from when the market knew it."""


class SessionFilters(TypedDict, total=False):
    """Only sessions like this."""

    state: str | list[str]
    dataset: str
    symbol: str
    """With a stream of it."""
    name: str
    """A part of its name."""
    created_by: str
    date: dt.date | str
    """Whose window holds this day."""
