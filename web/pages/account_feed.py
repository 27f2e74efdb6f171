"""What a page's feed says of one account: at once when something becomes of its orders, else once a second."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import orjson
import redis.asyncio
from django.db import DatabaseError, InterfaceError

from broker.account_writer import stream_of
from broker.refusals import Refusal
from sessions import redis_client
from sessions.models import Run
from streaming.base.cancellation import end
from streaming.base.db import in_thread
from web.pages import account_panel

MARKED_EVERY = 1.0
"""Seconds between two looks at what positions are worth, while the clock moves."""
AT_MOST_EVERY = 0.2
BLOCK_MS = 5_000
PAGE = 200


class AccountFeed:
    """Follows the account's events as a trade socket does, and reads the account when there are some."""

    def __init__(self, session_id: int, account_id: int) -> None:
        self.session_id, self.account_id = session_id, account_id
        self.changed, self.moved = True, False
        self.since = 0
        """The number of the last event that the page has."""
        self.anew = True
        self.read_at = 0.0
        self.positions = False
        self.last_sent = b""
        self.watching: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Say everything anew: the first time, and after the clock was moved."""
        await self.close()
        self.anew = self.changed = True
        self.since = 0
        self.watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        if self.watching:
            await end(self.watching)

    async def _watch(self) -> None:
        async with redis_client.for_event_loop() as client:
            while True:
                try:
                    await self._events(client)
                except (redis.RedisError, DatabaseError, InterfaceError):
                    await asyncio.sleep(MARKED_EVERY)
                    self.changed = True

    async def _events(self, client: redis.asyncio.Redis) -> None:
        generation = await in_thread(_generation)(self.session_id)
        stream = stream_of(self.session_id, self.account_id, generation)
        newest = cast("list[Any]", await client.xrevrange(stream, count=1))
        at: Any = newest[0][0] if newest else "0-0"
        self.changed = True
        while True:
            reply = cast("list[Any]", await client.xread({stream: at}, count=PAGE, block=BLOCK_MS) or [])
            if reply:
                at, self.changed = reply[0][1][-1][0], True

    async def body(self, *, clock_moved: bool) -> bytes:
        """What the page is to be sent now; empty where that is nothing."""
        if self.watching and self.watching.done():
            self.watching.result()  # the page's connection ends with it, and comes again
        now = asyncio.get_running_loop().time()
        self.moved = self.moved or clock_moved
        waited = now - self.read_at
        due = self.changed or (self.moved and self.positions and waited >= MARKED_EVERY)
        if not due or waited < AT_MOST_EVERY:
            return b""
        anew, self.read_at, self.changed, self.moved, self.anew = self.anew, now, False, False, False
        try:
            payload = await in_thread(account_panel.read)(self.account_id, self.since, curve=anew)
        except Refusal:  # the session is between two workers
            self.changed, self.anew = True, anew
            return b""
        self.since, self.positions = payload["number"], bool(payload["positions"])
        body = orjson.dumps(payload | {"whole": anew})
        if body == self.last_sent:
            return b""
        self.last_sent = body
        return body


def _generation(session_id: int) -> int:
    return Run.objects.values_list("generation", flat=True).get(pk=session_id)
