"""What tasks and requests may expect of the connection to Redis."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio.connection import AbstractConnection

from sessions import redis_client


async def test_a_cancellation_that_meets_the_end_of_a_send_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """One reader's task went on when its event loop closed, which then waited for it without end."""
    send = AbstractConnection._send_packed_command
    reading: list[asyncio.Task[None]] = []

    async def read() -> None:
        async with redis_client.for_event_loop() as client:
            await client.ping()
            monkeypatch.setattr(AbstractConnection, "_send_packed_command", sent_and_canceled)
            while True:
                await client.xread({"test:nothing": "0-0"}, block=100)

    async def sent_and_canceled(connection: AbstractConnection, command: object) -> None:
        await send(connection, command)  # type: ignore[arg-type]
        monkeypatch.setattr(AbstractConnection, "_send_packed_command", send)
        reading[0].cancel()

    reading.append(asyncio.create_task(read()))
    await asyncio.wait(reading, timeout=2)
    assert reading[0].cancelled()


@pytest.mark.parametrize("turns", range(1, 6))
async def test_connections_are_closed_by_whoever_is_cancelled_while_closing_them(turns: int) -> None:
    """Sockets were left to the garbage collector, which said so in whatever ran just then."""
    client = redis_client.for_event_loop()
    await asyncio.gather(client.ping(), client.ping())
    connections = list(client.connection_pool._available_connections)
    closing = asyncio.create_task(client.aclose())
    for _ in range(turns):
        await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])
    assert connections and not any(connection.is_connected for connection in connections)
