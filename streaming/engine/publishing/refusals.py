"""Why a Redis server that answers refuses to take frames, and what a person can do about it."""

from __future__ import annotations

import redis

WAYS_OUT = {
    "OOM": "raise its maxmemory, or stop what else fills it",
    "READONLY": "REDIS_URL names a replica, name the primary",
    "MISCONF": "it cannot save to disk, see its log and free space there",
    "NOAUTH": "put its password into REDIS_URL",
    "NOPERM": "give its user all commands on all keys",
    "LOADING": "it is still loading its data",
}


def refusal(error: redis.ResponseError) -> str:
    """One sentence for the session's row, with the server's words."""
    words = str(error) or type(error).__name__
    known = next((way for code, way in WAYS_OUT.items() if code in words or _named(code, error)), "see its log")
    return f"Redis takes no frames ({words}): {known}"


def _named(code: str, error: redis.ResponseError) -> bool:
    """redis-py makes types of some codes and leaves the code out of the text."""
    types = {"OOM": redis.exceptions.OutOfMemoryError, "READONLY": redis.exceptions.ReadOnlyError}
    return code in types and isinstance(error, types[code])
