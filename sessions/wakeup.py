"""The message that wakes a session's worker. It carries no intent: that is on the row."""

import contextlib
from functools import cache

import redis
from django.conf import settings

CHANNEL = "tapedeck:wake"


@cache
def connection() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL)


def send(session_id: int) -> None:
    """Best effort: a worker that misses it reads the row within a second."""
    with contextlib.suppress(redis.ConnectionError, redis.TimeoutError):
        connection().publish(CHANNEL, str(session_id))
