"""Who reads many sessions: Redis is asked as often as for one."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from sessions import redis_client
from sessions.models import Session
from streaming.reading import registry
from tests.streaming.rows import a_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def sessions() -> list[Session]:
    """Each with a reader, but for the last."""
    redis_client.connection().flushdb()
    found = [a_session(symbol) for symbol in ("AAPL", "MSFT", "IBM", "SPY", "QQQ")]
    for session in found[:-1]:
        key, at = registry.processes_key(session.pk), f"1.{session.run.frame_id}"
        row = {"id": f"r{session.pk}", "name": "bot", "kind": "sse", "since": "2024-11-18T15:00:00Z", "lockstep": False}
        redis_client.connection().zadd(key, {"process": time.time() + 10})
        redis_client.connection().set(f"{key}:process", orjson.dumps([{**row, "cursor": None, "newest": at}]))
    return found


def round_trips(call: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often the connection's replies are waited for."""
    count = 0
    pool = redis_client.connection().connection_pool
    taken = pool.get_connection

    def counted(*args: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        return taken(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(pool, "get_connection", counted)
        call()
    return count


def test_many_sessions_cost_as_many_round_trips_as_one(
    sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert round_trips(lambda: registry.of_session(sessions[0]), monkeypatch) <= 3
    assert round_trips(lambda: registry.summaries(sessions), monkeypatch) <= 3


def test_each_session_has_its_own_readers(sessions: list[Session]) -> None:
    found = registry.summaries(sessions)
    assert [found[session.pk]["readers"] for session in sessions] == [1, 1, 1, 1, 0]
    assert [found[row.pk]["slowest_reader"]["id"] for row in sessions[:-1]] == [f"r{row.pk}" for row in sessions[:-1]]
    assert registry.summaries([]) == {}
