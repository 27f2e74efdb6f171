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
