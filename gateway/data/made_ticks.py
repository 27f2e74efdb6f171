"""A latest trade and quote where a dataset has bars alone: made from the last bar, and marked as made."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from gateway.data.page_tokens import Row
from gateway.wire.moments import new_york_date, rfc3339_ns, start_of
from marketdata.units import MINUTE_NS

CONDITION = "synthetic"
SIZE = 100
"""The size of what is made: a round lot."""


def newer(kind: str, recorded: Row | None, bar: Row | None) -> Row | None:
    """What was recorded, unless the bar is of a later day."""
    if bar is None or (recorded and new_york_date(start_of(recorded["t"])) >= new_york_date(start_of(bar["t"]))):
        return recorded
    return {"t": rfc3339_ns(start_of(bar["t"]) + MINUTE_NS), **of_close(kind, bar["c"])}


def of_close(kind: str, close: float) -> dict[str, Any]:
    """The close as a trade, or a tick on either side of it as a quote: whole ticks, for orders are priced by it."""
    if kind == "trades":
        return {"x": "", "p": close, "s": SIZE, "c": [CONDITION], "i": 0, "z": ""}
    price = Decimal(repr(close))
    tick = Decimal("0.01") if price >= 1 else Decimal("0.0001")
    bid = (price - tick).quantize(tick, ROUND_FLOOR)
    ask = (price + tick).quantize(tick, ROUND_CEILING)
    sides: Mapping[str, Any] = {"bx": "", "bp": float(bid), "bs": SIZE, "ax": "", "ap": float(ask)}
    return {**sides, "as": SIZE, "c": [CONDITION], "z": ""}
