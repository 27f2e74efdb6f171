"""What a bar must satisfy, one broken rule at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from marketdata.columns import BarColumns, no_bars
from marketdata.rules import broken_rows

NAN, INF = float("nan"), float("inf")


def bars() -> BarColumns:
    """Three sound bars."""
    prices = (np.full(3, price) for price in (10.0, 11.0, 9.0, 10.5))
    return BarColumns(np.array([0, 60, 180], np.int64), *prices, np.full(3, 100.0), np.full(3, 5.0), np.full(3, 10.2))


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("open", NAN, "a price is not a finite number"),
        ("close", INF, "a price is not a finite number"),
        ("low", 0.0, "a price is not positive"),
        ("high", 10.4, "high is below open or close"),
        ("low", 10.1, "low is above open or close"),
        ("volume", -1.0, "volume is negative"),
        ("volume", INF, "volume is not a finite number"),
        ("trade_count", -1.0, "trade count is negative"),
        ("trade_count", INF, "trade count is not a finite number"),
        ("vwap", INF, "vwap is not a finite number"),
        ("offset", 90, "the stamp is not on a whole minute"),
    ],
)
def test_a_broken_row_is_named_with_the_rule(column: str, value: float, reason: str) -> None:
    made = bars()
    values = getattr(made, column).copy()
    values[1] = value
    assert broken_rows(replace(made, **{column: values})) == [(1, reason)]


@pytest.mark.parametrize("column", ["volume", "trade_count", "vwap"])
def test_what_a_source_may_leave_out_may_be_absent(column: str) -> None:
    made = bars()
    assert broken_rows(replace(made, **{column: np.full(3, NAN)})) == []


def test_sound_bars_and_none_at_all_pass() -> None:
    assert broken_rows(bars()) == []
    assert broken_rows(no_bars()) == []
