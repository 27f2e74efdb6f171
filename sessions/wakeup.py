"""The message that wakes a session's worker, and the one that has its readers look at the row.

Neither carries anything: what is wanted and what is are on the row.
"""

import contextlib

import redis

from sessions.redis_client import connection
from sessions.redis_keys import key, session_key

LOOK, BESIDE = "look", "beside"
"""Notices: the row has changed; there is something beside the frames."""
NOTICES_KEPT = 8
NOTICES_FOR = 24 * 3600


def channel() -> str:
    return key("wake")


def send(session_id: int) -> None:
    """Best effort: a worker that misses it reads the row within a second."""
    with contextlib.suppress(redis.ConnectionError, redis.TimeoutError):
        connection().publish(channel(), str(session_id))


def notice_key(session_id: int) -> str:
    """A short Redis stream beside the frames': readers wait on both at once."""
    return session_key(session_id, "notices")


def announce(session_id: int) -> None:
    """The row's state or generation has changed. Best effort: readers look at it every second anyway."""
    with contextlib.suppress(redis.ConnectionError, redis.TimeoutError):
        pipe = connection().pipeline(transaction=False)
        pipe.xadd(notice_key(session_id), {LOOK: 1}, maxlen=NOTICES_KEPT, approximate=False)
        pipe.expire(notice_key(session_id), NOTICES_FOR)
        pipe.execute()
