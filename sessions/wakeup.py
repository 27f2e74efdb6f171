"""The message that wakes a session's worker, and the one that has its readers look at the row.

Neither carries what is wanted or what is: that is on the row.
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


def request_channel() -> str:
    """For a request of one who takes part, where nothing else is new."""
    return key("wake", "request")


def send(session_id: int) -> None:
    """Best effort: a worker that misses it reads the row within a second."""
    _publish(channel(), session_id)


def send_request(session_id: int) -> None:
    """Likewise, where only those who take part have anything to look for."""
    _publish(request_channel(), session_id)


def _publish(to: str, session_id: int) -> None:
    with contextlib.suppress(redis.RedisError):
        connection().publish(to, str(session_id))


def notice_key(session_id: int) -> str:
    """A short Redis stream beside the frames': readers wait on both at once."""
    return session_key(session_id, "notices")


def announce(session_id: int) -> None:
    """The row's state or generation has changed. Best effort: readers look at it every second anyway."""
    with contextlib.suppress(redis.RedisError):
        pipe = connection().pipeline(transaction=False)
        pipe.xadd(notice_key(session_id), {LOOK: 1}, maxlen=NOTICES_KEPT, approximate=False)
        pipe.expire(notice_key(session_id), NOTICES_FOR)
        pipe.execute()
