"""What is counted in Redis, a minute at a time: requests, guesses at credentials.

A server that is away, full or read-only counts nothing, so nobody is refused: answering beats counting.
"""

from __future__ import annotations

from typing import cast

import redis

from sessions import redis_client
from sessions.redis_keys import key

WINDOW_SECONDS = 60


def count(*name: object, now: float, by: int = 1) -> int:
    """So many more in the minute of `now`, seconds since the epoch. Returns how many there are; 0 without Redis."""
    counter = key(*name, int(now // WINDOW_SECONDS))
    try:
        with redis_client.connection().pipeline(transaction=False) as pipe:
            pipe.incrby(counter, by)
            pipe.expire(counter, 2 * WINDOW_SECONDS)
            return cast(int, pipe.execute()[0])
    except redis.RedisError:
        return 0


def seconds_left(now: float) -> float:
    """Until the minute of `now` ends."""
    return WINDOW_SECONDS - now % WINDOW_SECONDS
