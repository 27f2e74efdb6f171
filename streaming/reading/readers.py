"""Who reads a session, and how far behind: each process tells Redis of its readers, anybody can ask.

A sorted set per session holds the processes with the time at which each one's word expires; a process that
is gone is forgotten within seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import orjson
import redis
import redis.asyncio

from marketdata import calendar
from sessions import wakeup
from sessions.models import Session
from streaming.engine.bus import stream_key
from streaming.engine.frames import FrameId, moment

if TYPE_CHECKING:
    from streaming.reading.shared_tail import SharedTail

EVERY, EXPIRES = 2.0, 10
EXACTLY = 100
"""Lags up to so many frames are counted in the stream; longer ones by session minutes."""
# Counted where they are: the frames' bytes stay in Redis.
COUNT = """
local counts = {}
for i = 1, #ARGV, 2 do
  counts[(i + 1) / 2] = #redis.call('XRANGE', KEYS[1], '(' .. ARGV[i], ARGV[i + 1], 'COUNT', 101)
end
return counts
"""


def processes_key(session_id: int) -> str:
    return f"tapedeck:{session_id}:readers"


class Registry:
    """What this process tells of its readers, every two seconds and at once when one comes or goes."""

    def __init__(self, client: redis.asyncio.Redis, tails: Mapping[int, SharedTail]) -> None:
        self.redis, self.tails = client, tails
        self.process = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self.changed, self.closing = asyncio.Event(), asyncio.Event()
        self.told: set[int] = set()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while not self.closing.is_set():
            await _within(EVERY, self.changed)
            self.changed.clear()
            with contextlib.suppress(redis.RedisError):
                await self._tell({pk: _reports(tail) for pk, tail in self.tails.items()})
            await _within(0.2, self.closing)  # a thousand that come at once are told of together

    async def _tell(self, rows: Mapping[int, list[dict[str, object]]]) -> None:
        pipe = self.redis.pipeline(transaction=False)
        for session_id, reports in rows.items():
            key = processes_key(session_id)
            pipe.zadd(key, {self.process: time.time() + EXPIRES})
            pipe.expire(key, 10 * EXPIRES)
            pipe.set(f"{key}:{self.process}", orjson.dumps(reports), ex=EXPIRES)
        for session_id in self.told - rows.keys():
            pipe.zrem(processes_key(session_id), self.process)
        self.told = set(rows)
        await pipe.execute()

    async def aclose(self) -> None:
        self.closing.set()
        self.changed.set()
        await self.task
        with contextlib.suppress(redis.RedisError):
            await self._tell({})


async def _within(seconds: float, event: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _reports(tail: SharedTail) -> list[dict[str, object]]:
    """Each with the newest frame at this moment: a lag is told as of then, not as of when somebody asks."""
    newest = max(filter(None, (tail.head, tail.last)), default=None)
    return [{**reader.report(), "newest": str(newest) if newest else None} for reader in tail.readers]


def of_session(session: Session) -> list[dict[str, Any]]:
    """Every reader: id, name, kind, since, cursor, lockstep, and its lag; the slowest first.

    Raises redis.RedisError where Redis does not answer.
    """
    client = wakeup.connection()
    key = processes_key(session.pk)
    processes = cast("list[bytes]", client.zrangebyscore(key, time.time(), "+inf"))
    told = (
        cast("list[bytes | None]", client.mget([f"{key}:{name.decode()}" for name in processes])) if processes else []
    )
    rows = [row for text in told if text for row in orjson.loads(text)]
    lags = _lags(session, {(row["cursor"], row["newest"]) for row in rows})
    for row in rows:
        row["lag_frames"], row["lag_seconds"] = lags[row["cursor"], row.pop("newest")]
    return sorted(rows, key=lambda row: (-row["lag_frames"], row["since"], row["id"]))


UNKNOWN: dict[str, Any] = {"readers": None, "slowest_reader": None}


def summary(session: Session) -> dict[str, Any]:
    """How many read the session, and the one furthest behind."""
    try:
        rows = of_session(session)
    except redis.RedisError:
        return UNKNOWN
    return {"readers": len(rows), "slowest_reader": rows[0] if rows else None}


Span = tuple[str | None, str | None]
"""From a reader's cursor to the newest frame when it was told of."""


def _lags(session: Session, spans: set[Span]) -> dict[Span, tuple[int, int]]:
    """Span → (frames, seconds of market time) in it."""
    places = {span: (_place(span[0], session), _place(span[1], session)) for span in spans}
    counted = {span: (here, there) for span, (here, there) in places.items() if here and there}
    args = [at.entry for pair in counted.values() for at in pair]
    key = stream_key(session.pk, session.generation)
    counts = wakeup.connection().eval(COUNT, 1, key, *args) if args else []
    exact = dict(zip(counted, cast("list[int]", counts), strict=True))
    lags: dict[Span, tuple[int, int]] = {}
    for span, (here, there) in places.items():
        seconds = _market_seconds(session, here, there) if there else 0
        frames = exact.get(span, EXACTLY + 1 if there else 0)
        lags[span] = (max(frames, seconds // 60) if frames > EXACTLY else frames, seconds)
    return lags


def _place(text: str | None, session: Session) -> FrameId | None:
    """A cursor of another generation has no place in this one."""
    at = FrameId.parse(text) if text else None
    return at if at and at.generation == session.generation else None


def _market_seconds(session: Session, here: FrameId | None, there: FrameId) -> int:
    """Session seconds between two places: nights and holidays do not count."""
    begin = moment(here.ms) if here else calendar.trading_days(session.start_date, session.end_date)[0].open
    until = moment(there.ms)
    if begin >= until:
        return 0
    days = calendar.trading_days(calendar.session_date_of(begin), calendar.session_date_of(until))
    return sum(max(0, int((min(day.close, until) - max(day.open, begin)).total_seconds())) for day in days)
