"""Two installations on one Redis server: neither sees, or deletes, what is the other's."""

from __future__ import annotations

from typing import Any

import pytest
from celery import Celery
from django.core.cache import caches
from django.utils import timezone

from config.celery import app
from sessions import redis_client, wakeup
from sessions.redis_keys import key, session_of
from streaming.base import redis_server
from streaming.base.redis_server import UnsuitableServer
from streaming.engine.publishing.bus import stream_key
from streaming.engine.publishing.writer import fence_key
from streaming.status import find_problems
from streaming.upkeep import retention
from streaming.upkeep.problems import Problems

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_server() -> None:
    redis_client.connection().flushdb()


def test_retention_keeps_the_streams_of_another_installation(settings: Any) -> None:
    client = redis_client.connection()
    settings.REDIS_PREFIX = "other"
    names = [stream_key(7, 1), fence_key(7), wakeup.notice_key(7)]
    for name in names:
        client.set(name, 1)
    settings.REDIS_PREFIX = "ours"
    client.set(fence_key(7), 1)
    assert retention.clean(timezone.now(), Problems())["streams"] == 1, "of ours, whose session 7 is no more"
    assert client.exists(*names) == len(names)


def test_a_prefix_that_begins_like_another_is_another(settings: Any) -> None:
    settings.REDIS_PREFIX = "tapedeck-2"
    name = fence_key(7).encode()
    assert session_of(name) == 7
    settings.REDIS_PREFIX = "tapedeck"
    assert session_of(name) is None


def test_two_databases_with_one_prefix_are_refused_before_they_touch_each_others_sessions() -> None:
    redis_server.require_suitable()
    redis_server.require_suitable()
    redis_client.connection().set(key("installation"), "another database")
    with pytest.raises(UnsuitableServer, match="set REDIS_PREFIX"):
        redis_server.require_suitable()
    redis_client.connection().set(fence_key(7), 1)
    problems = Problems()
    assert "streams" not in retention.clean(timezone.now(), problems)
    assert len(problems.found) == 1 and "set REDIS_PREFIX" in problems.found[0]
    assert redis_client.connection().exists(fence_key(7))


def test_messages_and_the_cache_are_below_the_prefix(settings: Any) -> None:
    celery: Celery = app
    celery.send_task("streaming.tasks.upkeep_session", args=[1], queue="nobody-listens")
    caches["default"].set("x", 1)
    names = {name.decode() for name in redis_client.connection().scan_iter("*")}
    assert len(names) >= 2
    assert {name.split(":")[0] for name in names} == {settings.REDIS_PREFIX}


def test_processes_that_use_different_prefixes_are_reported(settings: Any) -> None:
    row = {"name": "replay@b", "kind": "replay", "alive": True, "detail": {"redis_prefix": "tapedeck-b"}}
    services = [{"name": name, "ok": True, "warnings": []} for name in ("postgres", "redis")]
    problems = list(find_problems(services, [row], {"alive": True}))
    assert problems == [
        "Workers use the prefix 'tapedeck-b' in Redis, and this process 'tapedeck': set REDIS_PREFIX to the same name "
        "for all."
    ]
