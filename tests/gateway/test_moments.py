from __future__ import annotations

import datetime as dt

import pytest

from gateway.wire import moments
from gateway.wire.wire_errors import GatewayError
from marketdata.units import SECOND_NS

HALF_PAST_NINE = int(dt.datetime(2024, 3, 14, 13, 30, tzinfo=dt.UTC).timestamp()) * SECOND_NS


@pytest.mark.parametrize(
    "text",
    ["2024-03-14T13:30:00Z", "2024-03-14T13:30:00+00:00", "2024-03-14T09:30:00-04:00", "2024-03-14T13:30:00 00:00"],
    ids=["zulu", "offset", "new york", "a plus that came as a space"],
)
def test_one_moment_may_be_written_in_many_ways(text: str) -> None:
    assert moments.start_of(text) == moments.end_of(text) == HALF_PAST_NINE


def test_a_fraction_keeps_every_digit() -> None:
    assert moments.start_of("2024-03-14T13:30:00.000456789Z") == HALF_PAST_NINE + 456_789
    assert moments.rfc3339_ns(HALF_PAST_NINE + 456_789) == "2024-03-14T13:30:00.000456789Z"
    assert moments.rfc3339_ns(HALF_PAST_NINE + 500_000_000) == "2024-03-14T13:30:00.5Z"
    assert moments.rfc3339_ns(HALF_PAST_NINE) == "2024-03-14T13:30:00Z"


@pytest.mark.parametrize(("date", "hours"), [("2024-03-14", 24), ("2024-03-10", 23), ("2024-11-03", 25)])
def test_a_date_is_new_yorks_whole_day(date: str, hours: int) -> None:
    assert moments.end_of(date) - moments.start_of(date) == hours * 3600 * SECOND_NS - 1
    assert moments.rfc3339_ns(moments.start_of("2024-03-14")) == "2024-03-14T04:00:00Z"
    assert moments.rfc3339_ns(moments.start_of("2024-01-16")) == "2024-01-16T05:00:00Z"


@pytest.mark.parametrize(
    "text", ["not-a-date", "2024-13-45", "2024-03-14T25:00:00Z", "2024-03-14T13:30:00", "1710423000"]
)
def test_anything_else_is_refused_with_the_parameter_and_the_value(text: str) -> None:
    with pytest.raises(GatewayError, match=f"parameter start: error parsing '{text}'"):
        moments.start_of(text)
