"""What keeps Redis from doing what was asked, in words, and what a person can do about it."""

from __future__ import annotations

import redis

WAYS_OUT: dict[str, tuple[type[redis.RedisError], str]] = {
    "OOM": (redis.exceptions.OutOfMemoryError, "raise its maxmemory, or stop what else fills it"),
    "READONLY": (redis.exceptions.ReadOnlyError, "REDIS_URL names a replica, name the primary"),
    "NOAUTH": (redis.AuthenticationError, "put its user and password into REDIS_URL"),
    "NOPERM": (redis.exceptions.NoPermissionError, "give its user all commands on all keys"),
    "LOADING": (redis.BusyLoadingError, "it is still loading its data"),
    "MISCONF": (redis.ResponseError, "it cannot save to disk, see its log and free space there"),
}
"""Code → the type that redis-py makes of it, most without the code in its text, and the way out."""
REFUSALS = (redis.ResponseError, redis.AuthenticationError, redis.BusyLoadingError)


def refusal(error: BaseException) -> str:
    """One sentence with the words of a server that answers and refuses; empty where it does not answer."""
    if not isinstance(error, REFUSALS):
        return ""
    words = str(error) or type(error).__name__
    known = (way for code, (kind, way) in WAYS_OUT.items() if code in words or _is(error, kind))
    return f"Redis takes nothing ({words}): {next(known, 'see its log')}"


def fault(error: BaseException) -> str:
    """The refusal, or that it does not answer. Of a queue's error its cause is looked at."""
    cause = error.__cause__ if isinstance(error.__cause__, redis.RedisError) else error
    return refusal(cause) or "Redis does not answer"


def _is(error: BaseException, kind: type[redis.RedisError]) -> bool:
    return kind is not redis.ResponseError and isinstance(error, kind)
