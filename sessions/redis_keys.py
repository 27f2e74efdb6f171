"""Names of keys and channels in Redis, all below this installation's prefix: a server may serve several."""

from __future__ import annotations

import re

from django.conf import settings


def key(*parts: object) -> str:
    return ":".join((settings.REDIS_PREFIX, *map(str, parts)))


def session_key(session_id: int, *parts: object) -> str:
    return key(session_id, *parts)


def stream_key(session_id: int, generation: int) -> str:
    """The Redis Stream that holds a generation's frames."""
    return session_key(session_id, "frames", generation)


def session_of(name: bytes) -> int | None:
    """The session that a key of this installation belongs to; None for one that is no session's."""
    match = re.match(re.escape(settings.REDIS_PREFIX).encode() + rb":(\d+):", name)
    return int(match[1]) if match else None
