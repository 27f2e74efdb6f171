"""The message that wakes a session's worker, and the one that tells its readers to look at the row.

Neither carries anything: what is wanted and what is are on the row.
"""

import contextlib
from functools import cache

import redis
from django.conf import settings

CHANNEL = "tapedeck:wake"
NOTICES_KEPT = 8
NOTICES_FOR = 24 * 3600


@cache
def connection() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL)


def send(session_id: int) -> None:
    """Best effort: a worker that misses it reads the row within a second."""
    with contextlib.suppress(redis.ConnectionError, redis.TimeoutError):
        connection().publish(CHANNEL, str(session_id))


def notice_key(session_id: int) -> str:
    """A short Redis stream beside the frames': readers wait on both at once."""
    return f"tapedeck:{session_id}:notices"


def announce(session_id: int) -> None:
    """The row's state or generation has changed. Best effort: readers look at it every second anyway."""
    with contextlib.suppress(redis.ConnectionError, redis.TimeoutError):
        pipe = connection().pipeline(transaction=False)
        pipe.xadd(notice_key(session_id), {"look": 1}, maxlen=NOTICES_KEPT, approximate=False)
        pipe.expire(notice_key(session_id), NOTICES_FOR)
        pipe.execute()
