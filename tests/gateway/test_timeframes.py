from __future__ import annotations

import datetime as dt

import pytest

from gateway.data.timeframes import Timeframe, Unit
from gateway.wire.wire_errors import GatewayError


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("1Min", 1, Unit.MINUTE),
        ("59T", 59, Unit.MINUTE),
        ("4Hour", 4, Unit.HOUR),
        ("23H", 23, Unit.HOUR),
        ("1D", 1, Unit.DAY),
        ("1Week", 1, Unit.WEEK),
        ("12M", 12, Unit.MONTH),
    ],
)
def test_a_timeframe_has_a_long_and_a_short_name(text: str, amount: int, unit: Unit) -> None:
    assert Timeframe.parse(text) == Timeframe(amount, unit)


@pytest.mark.parametrize("text", ["", "banana", "0Min", "60Min", "24Hour", "2Day", "2Week", "5Month", "1min", "-1Min"])
def test_any_other_width_is_refused_by_name(text: str) -> None:
    with pytest.raises(GatewayError, match="invalid timeframe") as refusal:
        Timeframe.parse(text)
    assert refusal.value.status == 400


@pytest.mark.parametrize(
    ("text", "date", "first", "last"),
    [
        ("1Day", "2024-03-14", "2024-03-14", "2024-03-14"),
        ("1Week", "2024-03-14", "2024-03-11", "2024-03-17"),
        ("1Month", "2024-02-29", "2024-02-01", "2024-02-29"),
        ("3Month", "2024-12-31", "2024-10-01", "2024-12-31"),
        ("12Month", "2024-03-14", "2024-01-01", "2024-12-31"),
    ],
)
def test_a_period_is_a_calendars(text: str, date: str, first: str, last: str) -> None:
    timeframe, day = Timeframe.parse(text), dt.date.fromisoformat(date)
    assert timeframe.period_start(day).isoformat() == first
    assert timeframe.period_end(day).isoformat() == last
