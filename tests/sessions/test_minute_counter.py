"""Counting in Redis, also with a server that is full or away: it must not keep anybody from an answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.callers import throttle
from sessions import minute_counter, redis_client
from web.api.throttles import Throttle

NOW = 1_700_000_000.0


@pytest.fixture
def redis_away(settings: Any) -> Iterator[None]:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.connection.cache_clear()
    yield
    redis_client.connection.cache_clear()


def test_a_minute_is_counted_and_the_next_begins_anew() -> None:
    counted = [minute_counter.count("test", "minute", now=NOW, by=by) for by in (1, 2, 0)]
    assert counted == [1, 3, 3]
    assert minute_counter.count("test", "minute", now=NOW + minute_counter.seconds_left(NOW)) == 1
    assert minute_counter.count("test", "other", now=NOW) == 1


@pytest.mark.parametrize("state", ["full_redis", "redis_away"])
def test_who_cannot_be_counted_is_not_refused(state: str, settings: Any, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(state)
    settings.ALPACA_REQUESTS_PER_MINUTE = 1
    settings.API_RATES = {"caller": 1}
    for _ in range(3):
        assert minute_counter.count("test", state, now=NOW) == 0
        assert throttle.spend("PKFULL").remaining == 1
        throttle.guess("192.0.2.1")
        assert Throttle().allows("caller", "user:1")
