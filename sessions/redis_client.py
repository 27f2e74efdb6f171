"""Connections to Redis: of requests and commands, which do not wait for a server that is away; of event loops."""

from __future__ import annotations

import asyncio
import time
from functools import cache
from typing import Any, cast

import redis
import redis.asyncio
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

CONNECTS_WITHIN_SECONDS = 1.0
ANSWERS_WITHIN_SECONDS = 2.0
AWAY_SECONDS = 1.0
"""After a failure: the time in which no other request tries."""


class BreakerPool(redis.ConnectionPool):
    """Remembers for a second that Redis is away: one request then pays for trying, the others are refused at once."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.away_until, self.reason = 0.0, ""

    def get_connection(self, *args: Any, **options: Any) -> Any:
        if time.monotonic() < self.away_until:
            raise redis.ConnectionError(f"Redis did not answer a moment ago: {self.reason}")
        if self.away_until:  # one tries, the others wait for what comes of it
            self.away_until = time.monotonic() + CONNECTS_WITHIN_SECONDS + AWAY_SECONDS
        try:
            connection = super().get_connection(*args, **options)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            self._away(str(error))
            raise
        self.away_until = 0.0
        return connection

    def release(self, connection: Any) -> None:
        # The client closes a connection whose command was not answered in time before it gives it back.
        if not connection.is_connected and not self.away_until:
            self._away("a command was not answered")
        super().release(connection)

    def _away(self, reason: str) -> None:
        self.away_until, self.reason = time.monotonic() + AWAY_SECONDS, reason


@cache
def connection() -> redis.Redis:
    pool = BreakerPool.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=CONNECTS_WITHIN_SECONDS,
        socket_timeout=ANSWERS_WITHIN_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    return redis.Redis(connection_pool=cast("redis.ConnectionPool", pool))


class Cancellable(redis.asyncio.connection.AbstractConnection):
    """Python 3.11's `asyncio.wait_for`, in which redis-py sends, loses a cancellation that meets the send's end.

    The task would then go on for ever, and with it the event loop, which waits for it when it closes.
    """

    async def send_packed_command(self, *args: Any, **options: Any) -> None:
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        await super().send_packed_command(*args, **options)
        if task and task.cancelling() > before:
            await self.disconnect(nowait=True)
            raise asyncio.CancelledError


class ClosedWhole(redis.asyncio.ConnectionPool):
    """Closes its connections also where whoever closes it is cancelled at that, as when an event loop ends."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        connections = [*self._available_connections, *(self._in_use_connections if inuse_connections else ())]
        try:
            await super().disconnect(inuse_connections)
        finally:
            for connection in connections:
                await connection.disconnect(nowait=True)


def for_event_loop(*, max_connections: int | None = None) -> redis.asyncio.Redis:
    """A new client; the caller closes it."""
    pool = ClosedWhole.from_url(settings.REDIS_URL, max_connections=max_connections)
    given = pool.connection_class  # by the address: TCP, TLS or a socket's file
    pool.connection_class = type(given.__name__, (Cancellable, given), {})
    return redis.asyncio.Redis.from_pool(pool)
