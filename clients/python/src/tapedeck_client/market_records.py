"""What the market did: bars, revisions of bars, trades, quotes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tapedeck_client.moments import moment, nanoseconds

Number = float | int


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: the interval `[start, end)`, known at its end. Absent values are None."""

    symbol: str
    interval: str
    start: dt.datetime
    end: dt.datetime
    open: float
    high: float
    low: float
    close: float
    volume: Number | None
    trade_count: Number | None
    vwap: float | None
    n_present: int | None
    """Minutes that it is made of; None for bars of the store."""
    n_expected: int | None
    complete: bool | None
    """False where minutes are missing."""
    synthetic: bool


@dataclass(frozen=True, slots=True)
class Revision:
    """A bar that was published before, as a newer version of its day has it. Its stamps are the original ones."""

    symbol: str
    interval: str
    start: dt.datetime
    end: dt.datetime
    open: float | None
    """None, like the other values, where there is no such bar any more."""
    high: float | None
    low: float | None
    close: float | None
    volume: Number | None
    trade_count: Number | None
    vwap: float | None
    n_present: int
    n_expected: int
    complete: bool
    synthetic: bool
    version: int


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade. `at` is cut to microseconds, `at_ns` has every digit of the source's stamp."""

    symbol: str
    at: dt.datetime
    at_ns: int
    price: float
    size: Number | None
    exchange: str | None
    condition: str | None
    suspicious: bool
    corrected: bool
    synthetic: bool


@dataclass(frozen=True, slots=True)
class Quote:
    """The best bid and ask from `at` on. `at` is cut to microseconds, `at_ns` has every digit of the source's stamp."""

    symbol: str
    at: dt.datetime
    at_ns: int
    bid: float | None
    bid_size: Number | None
    bid_exchange: str | None
    ask: float | None
    ask_size: Number | None
    ask_exchange: str | None
    condition: str | None
    suspicious: bool
    corrected: bool
    synthetic: bool


def bar_of(row: Mapping[str, Any], shared: Mapping[str, Any] | None = None) -> Bar:
    """A bar of the wire; `shared` has what an answer says once for all its rows."""
    if shared:
        row = {**shared, **row}
    return Bar(
        row["symbol"],
        row["interval"],
        moment(row["start"]),
        moment(row["end"]),
        row["open"],
        row["high"],
        row["low"],
        row["close"],
        row["volume"],
        row["trade_count"],
        row["vwap"],
        row.get("n_present"),
        row.get("n_expected"),
        row.get("complete"),
        row["synthetic"],
    )


def revision_of(row: Mapping[str, Any]) -> Revision:
    return Revision(
        row["symbol"],
        row["interval"],
        moment(row["start"]),
        moment(row["end"]),
        row["open"],
        row["high"],
        row["low"],
        row["close"],
        row["volume"],
        row["trade_count"],
        row["vwap"],
        row["n_present"],
        row["n_expected"],
        row["complete"],
        row["synthetic"],
        row["version"],
    )


def trade_of(row: Mapping[str, Any]) -> Trade:
    return Trade(
        row["symbol"],
        moment(row["at"]),
        nanoseconds(row["at"]),
        row["price"],
        row["size"],
        row["exchange"],
        row["condition"],
        row["suspicious"],
        row["corrected"],
        row["synthetic"],
    )


def quote_of(row: Mapping[str, Any]) -> Quote:
    return Quote(
        row["symbol"],
        moment(row["at"]),
        nanoseconds(row["at"]),
        row["bid"],
        row["bid_size"],
        row["bid_exchange"],
        row["ask"],
        row["ask_size"],
        row["ask_exchange"],
        row["condition"],
        row["suspicious"],
        row["corrected"],
        row["synthetic"],
    )
