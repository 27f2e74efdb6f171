"""Who reads a session, and how far behind: each process reports its readers to Redis, where every process can ask.

A sorted set per session holds the processes with the time at which each one's report expires; a process that
is gone is forgotten within seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import orjson
import redis
import redis.asyncio

from sessions import redis_client
from sessions.models import Session
from sessions.redis_keys import session_key
from streaming.engine.frames.frame_id import FrameId, moment
from streaming.engine.publishing.bus import stream_key
from streaming.engine.publishing.lockstep_scripts import COUNT_FRAMES

if TYPE_CHECKING:
    from streaming.reading.shared_tail import SharedTail

log = logging.getLogger(__name__)
EVERY, EXPIRES = 2.0, 10
EXACTLY = 100
"""Lags up to so many frames are counted in the stream; longer ones by session minutes."""
# Counted where they are: the frames' bytes stay in Redis.
COUNT = (
    COUNT_FRAMES
    + """
local counts = {}
for i = 1, #ARGV, 2 do
  local here, there = string.match(ARGV[i], '^%d+'), string.match(ARGV[i + 1], '^%d+')
  counts[(i + 1) / 2] = frames_after(KEYS[1], '(' .. ARGV[i], tonumber(here), tonumber(there), 101)
end
return counts
"""
)


def processes_key(session_id: int) -> str:
    return session_key(session_id, "readers")


class Registry:
    """Reports this process's readers, every two seconds and at once when one comes or goes."""

    def __init__(self, client: redis.asyncio.Redis, tails: Mapping[int, SharedTail]) -> None:
        self.redis, self.tails = client, tails
        self.process = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self.changed, self.closing = asyncio.Event(), asyncio.Event()
        self.reported: set[int] = set()
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while not self.closing.is_set():
            await _within(EVERY, self.changed)
            self.changed.clear()
            try:
                await self._report({pk: _reports(tail) for pk, tail in self.tails.items()})
            except redis.RedisError as error:
                log.debug("Readers are not reported: %s", error)
            except Exception:
                log.exception("Readers are not reported")  # and are at the next turn: readers do not depend on it
            await _within(0.2, self.closing)  # a thousand that come at once are reported together

    async def _report(self, rows: Mapping[int, list[dict[str, object]]]) -> None:
        pipe = self.redis.pipeline(transaction=False)
        for session_id, reports in rows.items():
            key = processes_key(session_id)
            pipe.zadd(key, {self.process: time.time() + EXPIRES})
            pipe.expire(key, 10 * EXPIRES)
            pipe.set(f"{key}:{self.process}", orjson.dumps(reports), ex=EXPIRES)
        for session_id in self.reported - rows.keys():
            pipe.zrem(processes_key(session_id), self.process)
        self.reported = set(rows)
        await pipe.execute()

    async def aclose(self) -> None:
        self.closing.set()
        self.changed.set()
        await self.task
        with contextlib.suppress(redis.RedisError):
            await self._report({})


async def _within(seconds: float, event: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _reports(tail: SharedTail) -> list[dict[str, object]]:
    """Each with the newest frame at this moment: a lag is as of then, not as of the question."""
    newest = max(filter(None, (tail.head, tail.last)), default=None)
    return [{**reader.report(), "newest": str(newest) if newest else None} for reader in tail.readers]


def of_session(session: Session) -> list[dict[str, Any]]:
    """Every reader: id, name, kind, since, cursor, lockstep, and its lag; the slowest first.

    Raises redis.RedisError where Redis does not answer.
    """
    return of_sessions([session])[session.pk]


def of_sessions(sessions: Sequence[Session]) -> dict[int, list[dict[str, Any]]]:
    """Session → its readers as `of_session` has them. Redis is asked three times, however many sessions there are."""
    reports = _reported(sessions)
    spans = {row.pk: {(each["cursor"], each["newest"]) for each in reports[row.pk]} for row in sessions}
    lags = _lags(sessions, spans)
    for session_id, rows in reports.items():
        for row in rows:
            row["lag_frames"], row["lag_seconds"] = lags[session_id][row["cursor"], row.pop("newest")]
        rows.sort(key=lambda row: (-row["lag_frames"], row["since"], row["id"]))
    return reports


def _reported(sessions: Sequence[Session]) -> dict[int, list[dict[str, Any]]]:
    """Session → what the processes that read it have reported."""
    client, now = redis_client.connection(), time.time()
    with client.pipeline(transaction=False) as pipe:
        for session in sessions:
            pipe.zrangebyscore(processes_key(session.pk), now, "+inf")
        processes = cast("list[list[bytes]]", pipe.execute())
    names = [
        (session.pk, f"{processes_key(session.pk)}:{process.decode()}")
        for session, found in zip(sessions, processes, strict=True)
        for process in found
    ]
    texts = cast("list[bytes | None]", client.mget([name for _, name in names])) if names else []
    rows: dict[int, list[dict[str, Any]]] = {session.pk: [] for session in sessions}
    for (session_id, _), text in zip(names, texts, strict=True):
        rows[session_id] += orjson.loads(text) if text else []
    return rows


UNKNOWN: dict[str, Any] = {"readers": None, "slowest_reader": None}


def summaries(sessions: Sequence[Session]) -> dict[int, dict[str, Any]]:
    """Session → how many read it, and the one furthest behind."""
    try:
        found = of_sessions(sessions)
    except redis.RedisError:
        return {session.pk: UNKNOWN for session in sessions}
    return {pk: {"readers": len(rows), "slowest_reader": rows[0] if rows else None} for pk, rows in found.items()}


Span = tuple[str | None, str | None]
"""From a reader's cursor to the newest frame when it was reported."""


def _lags(sessions: Sequence[Session], spans: Mapping[int, set[Span]]) -> dict[int, dict[Span, tuple[int, int]]]:
    """Session → span → (frames, seconds of market time) in it."""
    places = {
        session.pk: {span: (_place(span[0], session), _place(span[1], session)) for span in spans[session.pk]}
        for session in sessions
    }
    exact = _counted(sessions, places)
    lags: dict[int, dict[Span, tuple[int, int]]] = {session.pk: {} for session in sessions}
    for session in sessions:
        for span, (here, there) in places[session.pk].items():
            seconds = _market_seconds(session, here, there) if there else 0
            frames = exact[session.pk].get(span, EXACTLY + 1 if there else 0)
            lags[session.pk][span] = (max(frames, seconds // 60) if frames > EXACTLY else frames, seconds)
    return lags


def _counted(
    sessions: Sequence[Session], places: Mapping[int, Mapping[Span, tuple[FrameId | None, FrameId | None]]]
) -> dict[int, dict[Span, int]]:
    """Session → span → frames in it, where both its places are in the stream."""
    known = {pk: {span: (a, b) for span, (a, b) in found.items() if a and b} for pk, found in places.items()}
    asked = [session for session in sessions if known[session.pk]]
    with redis_client.connection().pipeline(transaction=False) as pipe:
        for session in asked:
            entries = [place.entry for pair in known[session.pk].values() for place in pair]
            pipe.eval(COUNT, 1, stream_key(session.pk, session.run.generation), *entries)
        replies = cast("list[list[int]]", pipe.execute()) if asked else []
    counts: dict[int, dict[Span, int]] = {session.pk: {} for session in sessions}
    for session, reply in zip(asked, replies, strict=True):
        counts[session.pk] = dict(zip(known[session.pk], reply, strict=True))
    return counts


def _place(text: str | None, session: Session) -> FrameId | None:
    """A cursor of another generation has no place in this one."""
    at = FrameId.parse(text) if text else None
    return at if at and at.generation == session.run.generation else None


def _market_seconds(session: Session, here: FrameId | None, there: FrameId) -> int:
    """Session seconds between two places: nights and holidays do not count."""
    begin = moment(here.ms) if here else session.calendar.trading_days(session.start_date, session.end_date)[0].begin
    until = moment(there.ms)
    if begin >= until:
        return 0
    first, last = (session.calendar.session_date_of(each) for each in (begin, until))
    days = session.calendar.trading_days(first, last)
    return sum(max(0, int((min(day.end, until) - max(day.begin, begin)).total_seconds())) for day in days)
