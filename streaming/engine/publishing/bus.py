"""The bus: one Redis Stream per session generation, an entry per stretch of frames, fenced by the lease's epoch."""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import redis
import redis.asyncio
from django.conf import settings
from redis._parsers import Encoder
from redis.connection import PythonRespSerializer

from sessions.redis_keys import stream_key as stream_key
from sessions.wakeup import notice_key
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.frames.stretch import Packed, Stretch
from streaming.engine.publishing import lockstep
from streaming.engine.publishing.writer import Fenced, Writer, fence_key

RAISE_FENCE = """
local epoch = redis.call('GET', KEYS[1])
if epoch and tonumber(epoch) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1
"""
NEWEST = "local found = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1) return found[1] and found[1][1]"
"""The id alone: an entry may hold half a megabyte of frames."""
BLOCK_MS = 500
MOST_CONNECTIONS = 100_000
"""A process has one for each session that it plays or reads, and a few. The library's own bound is 100."""
COPIED_BELOW = 6000
"""Bytes of a value from which on it is sent as it is: to copy half a megabyte takes hiredis longer than to send it.
"""
PAGE = 32
"""Entries that a reader takes at once: each may be a stretch of frames."""


class BadFrame(ValueError):
    """An entry of the stream that is no frame which this build can read."""

    def __init__(self, frame_id: FrameId, reason: Exception) -> None:
        super().__init__(f"Frame {frame_id} cannot be read: {type(reason).__name__}: {reason}")
        self.frame_id = frame_id


def newest_of(client: redis.Redis, session_id: int, generation: int) -> FrameId | None:
    """The last frame in the stream; None where it holds none."""
    return _newest(generation, client.eval_ro(NEWEST, 1, stream_key(session_id, generation)))


def trim(client: redis.Redis, session_id: int, oldest: FrameId) -> int:
    """Let frames before `oldest` go, those that a lockstep reader has had; others get them re-derived.

    Returns how many entries of the stream went.
    """
    waited_for = lockstep.floor(client, session_id, oldest.generation)
    oldest = min(oldest, waited_for or oldest)
    key = stream_key(session_id, oldest.generation)
    return client.xtrim(key, minid=oldest.entry, approximate=False)


def _newest(generation: int, reply: object) -> FrameId | None:
    return FrameId.parse(f"{generation}.{reply.decode()}") if isinstance(reply, bytes) else None


class Bus:
    """The writing side; one per worker process, shared by its sessions' threads."""

    def __init__(self, url: str | None = None) -> None:
        self.redis = redis.Redis.from_url(
            url or settings.REDIS_URL,
            socket_timeout=5,
            socket_connect_timeout=2,
            max_connections=MOST_CONNECTIONS,
            command_packer=PythonRespSerializer(COPIED_BELOW, Encoder("utf-8", "strict", False).encode),  # type: ignore[no-untyped-call]
        )
        self._raise_fence = self.redis.register_script(RAISE_FENCE)

    def raise_fence(self, session_id: int, epoch: int) -> None:
        """Only for a holder that has just renewed its lease in Postgres."""
        if not self._raise_fence(keys=[fence_key(session_id)], args=[epoch]):
            raise Fenced(f"Session {session_id} is past epoch {epoch}.")

    def writer(self, session_id: int, epoch: int) -> Writer:
        return Writer(self.redis.connection_pool, session_id, epoch)

    def end(self, session_id: int, generation: int) -> FrameId | None:
        return newest_of(self.redis, session_id, generation)

    def trim(self, session_id: int, oldest: FrameId) -> None:
        trim(self.redis, session_id, oldest)

    def close_stream(self, session_id: int, generation: int) -> None:
        """The session has ended: keep its stream for late readers, not for ever."""
        kept = dt.timedelta(days=settings.KEEP_STREAMS_DAYS)
        self.redis.pexpire(stream_key(session_id, generation), max(kept, dt.timedelta(milliseconds=1)))


def published(session_id: int, generation: int) -> Iterator[Packed]:
    """The frames of a generation that the stream has now, in order."""
    reader = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2)
    key, start = stream_key(session_id, generation), "-"
    with reader:
        while entries := cast("list[tuple[bytes, dict[bytes, bytes]]]", reader.xrange(key, min=start, count=256)):
            for entry, fields in entries:
                yield from _packed(FrameId.parse(f"{generation}.{entry.decode()}"), fields)
            start = f"({entries[-1][0].decode()}"


def _packed(last: FrameId, fields: Mapping[bytes, bytes]) -> Iterator[Packed]:
    """One frame may be any bytes: whoever asks for them will find out."""
    if b"i" not in fields:
        return iter([Packed(last, fields[b"b"], fields[b"h"])])
    return Stretch.of_entry(last, fields).packed()


class Tail:
    """The reading side: one generation's frames and the session's notices, for one event loop."""

    def __init__(self, client: redis.asyncio.Redis, session_id: int) -> None:
        self.redis, self.session_id = client, session_id
        self.noticed = b"0-0"

    async def last(self, generation: int) -> FrameId | None:
        """The newest frame in the stream."""
        reply = await self.redis.eval_ro(NEWEST, 1, stream_key(self.session_id, generation))
        return _newest(generation, reply)

    async def page(self, generation: int, after: FrameId | None) -> list[Stretch]:
        """The frames after `after` that are still in the stream, a page of them. Raises BadFrame for the first."""
        key = stream_key(self.session_id, generation)
        low = f"({after.entry}" if after else "-"
        entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", await self.redis.xrange(key, low, "+", count=PAGE))
        return _stretches(generation, entries, after)

    async def read(
        self, generation: int, after: FrameId | None, block_ms: int = BLOCK_MS
    ) -> tuple[list[Stretch], frozenset[str]]:
        """New frames, and what notices there are (`sessions.wakeup`); waits up to `block_ms` for either.

        Raises BadFrame where the first of them cannot be read.
        """
        notices = notice_key(self.session_id)
        places: dict[Any, Any] = {
            stream_key(self.session_id, generation): after.entry if after else "0-0",
            notices: self.noticed,
        }
        reply = cast(
            "list[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]",
            await self.redis.xread(places, count=PAGE, block=block_ms) or [],
        )
        found = {key.decode(): entries for key, entries in reply}
        noticed = found.pop(notices, [])
        if noticed:
            self.noticed = noticed[-1][0]
        frames = [each for entries in found.values() for each in _stretches(generation, entries, after)]
        return frames, frozenset(name.decode() for _, fields in noticed for name in fields)


def _stretches(
    generation: int, entries: Iterable[tuple[bytes, dict[bytes, bytes]]], after: FrameId | None
) -> list[Stretch]:
    """The frames after `after`, before the first entry that cannot be read. Raises BadFrame where that is the first."""
    found: list[Stretch] = []
    for entry, fields in entries:
        last = FrameId.parse(f"{generation}.{entry.decode()}")
        try:
            stretch = Stretch.of_entry(last, fields)
            found.append(stretch if found else stretch.later(after))
        except (LookupError, TypeError, ValueError, struct.error) as error:
            if not found:
                raise BadFrame(last, error) from error
            break
    return found
