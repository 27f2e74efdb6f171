"""The bus: one Redis Stream per session generation, one entry per frame, fenced by the lease's epoch."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import redis
import redis.asyncio
from django.conf import settings

from sessions.wakeup import notice_key
from streaming.engine import lockstep
from streaming.engine.frames import Frame, FrameId, decode
from streaming.engine.journal import LeaseLost

RAISE_FENCE = """
local epoch = redis.call('GET', KEYS[1])
if epoch and tonumber(epoch) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return 1
"""
KEPT_AFTER_END = dt.timedelta(days=1)
BLOCK_MS = 500
MOST_CONNECTIONS = 100_000
"""Of a process: one for each session that it plays or reads, and a few. The library's own bound is 100."""
PAGE = 256
"""Frames that a reader takes at once."""


class Fenced(LeaseLost):
    """Another epoch holds the stream."""


class FenceMissing(Exception):
    """Redis lost the fence: renew the lease in Postgres, then set it again."""


class HeldBack(Exception):
    """There are lockstep readers: frames may not go out without looking how far those have come."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A frame on its way out."""

    id: FrameId
    body: bytes
    chain: bytes


def stream_key(session_id: int, generation: int) -> str:
    return f"tapedeck:{session_id}:frames:{generation}"


def session_of(key: bytes) -> int | None:
    """The session that a key of ours belongs to; None for one that is no session's."""
    match = re.match(rb"tapedeck:(\d+):", key)
    return int(match[1]) if match else None


def fence_key(session_id: int) -> str:
    return f"tapedeck:{session_id}:epoch"


class Bus:
    """The writing side; one per worker process, shared by its sessions' threads."""

    def __init__(self, url: str | None = None) -> None:
        self.redis = redis.Redis.from_url(
            url or settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2, max_connections=MOST_CONNECTIONS
        )
        self._raise_fence = self.redis.register_script(RAISE_FENCE)

    def raise_fence(self, session_id: int, epoch: int) -> None:
        """Only for a holder that has just renewed its lease in Postgres."""
        if not self._raise_fence(keys=[fence_key(session_id)], args=[epoch]):
            raise Fenced(f"Session {session_id} is past epoch {epoch}.")

    def writer(self, session_id: int, epoch: int) -> Writer:
        return Writer(self.redis.connection_pool, session_id, epoch)

    def end(self, session_id: int, generation: int) -> FrameId | None:
        """The last frame in the stream; None where it holds none."""
        newest = cast("list[tuple[bytes, Any]]", self.redis.xrevrange(stream_key(session_id, generation), count=1))
        return FrameId.parse(f"{generation}.{newest[0][0].decode()}") if newest else None

    def trim(self, session_id: int, oldest: FrameId) -> None:
        """Let frames before `oldest` go, those that a lockstep reader has had; others get them re-derived."""
        key = stream_key(session_id, oldest.generation)
        waited_for = lockstep.floor(self.redis, session_id, oldest.generation)
        oldest = min(oldest, waited_for or oldest)
        self.redis.xtrim(key, minid=oldest.entry, approximate=False)

    def close_stream(self, session_id: int, generation: int) -> None:
        """The session has ended: keep its stream for late readers, not for ever."""
        self.redis.expire(stream_key(session_id, generation), KEPT_AFTER_END)


class Writer:
    """Appends one session's frames, on a connection of its own that watches the fence.

    A transaction fails as a whole where the fence was touched since it was last looked at. The next look goes out
    behind it, so an append is one round trip; a script would have Redis copy each frame three times.
    """

    def __init__(self, pool: redis.ConnectionPool, session_id: int, epoch: int) -> None:
        self.pool, self.session_id, self.epoch = pool, session_id, epoch
        self.fence, self.waited_for = fence_key(session_id), lockstep.acknowledged_key(session_id)
        self.connection: Any = None
        self.seen: tuple[bytes | None, int] | None = None
        """The fence, and whether there are lockstep readers, as they are while the watch lasts."""
        self.watched_free = False

    def append(self, frames: Sequence[Packed], *, free: bool = False) -> int:
        """Append frames in order; returns how many were new. With `free`, only where there is no lockstep reader.

        A frame that is there already was written by an earlier holder, byte for byte: it is passed over.
        """
        stream = stream_key(self.session_id, frames[0].id.generation)
        added = [("XADD", stream, frame.id.entry, "b", frame.body, "h", frame.chain) for frame in frames]
        try:
            if self.seen is None or self.watched_free != free:
                self._exchange([("UNWATCH",)], free)
            while True:
                self._see_fit(free)
                outcome = self._exchange([("MULTI",), *added, ("EXEC",)], free)
                if outcome is not None:
                    return sum(_was_new(reply) for reply in outcome)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let the connection go; the next append begins with another look."""
        self.seen = None
        if self.connection is not None:
            self.connection.disconnect()
            self.pool.release(self.connection)
            self.connection = None

    def _see_fit(self, free: bool) -> None:
        """Equality, not "greater": after a flush a zombie would else set the fence for itself."""
        assert self.seen is not None
        epoch, readers = self.seen
        if epoch is None:
            raise FenceMissing(f"Session {self.session_id} has no epoch in Redis.")
        if int(epoch) != self.epoch:
            raise Fenced(f"Session {self.session_id} is no longer at epoch {self.epoch}.")
        if free and readers:
            raise HeldBack(f"Session {self.session_id} has lockstep readers.")

    def _exchange(self, commands: Sequence[tuple[Any, ...]], free: bool) -> Any:
        """The last command's reply; the next look is in `seen`. Lockstep readers acknowledge: watched only if free."""
        self.seen, self.watched_free = None, free
        if self.connection is None:
            self.connection = self.pool.get_connection()
        watched = [self.fence, self.waited_for] if free else [self.fence]
        look = [("WATCH", *watched), ("GET", self.fence), ("EXISTS", self.waited_for)]
        packed = b"".join(self.connection.pack_commands([*commands, *look]))
        # Without the health check, which would connect again by itself, and unwatched.
        self.connection.send_packed_command([packed], check_health=False)
        replies = [self.connection.read_response() for _ in range(len(commands) + len(look))]
        self.seen = replies[-2], replies[-1]
        return replies[len(commands) - 1]


def _was_new(reply: object) -> bool:
    if isinstance(reply, redis.ResponseError):
        if "equal or smaller" not in str(reply):
            raise reply
        return False
    return True


def published(session_id: int, generation: int) -> Iterator[Packed]:
    """The frames of a generation that the stream has now, in order."""
    reader = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2)
    key, start = stream_key(session_id, generation), "-"
    with reader:
        while entries := cast("list[tuple[bytes, dict[bytes, bytes]]]", reader.xrange(key, min=start, count=256)):
            for entry, fields in entries:
                yield Packed(FrameId.parse(f"{generation}.{entry.decode()}"), fields[b"b"], fields[b"h"])
            start = f"({entries[-1][0].decode()}"


class Tail:
    """The reading side: one generation's frames and the session's notices, for one event loop."""

    def __init__(self, client: redis.asyncio.Redis, session_id: int) -> None:
        self.redis, self.session_id = client, session_id
        self.noticed = b"0-0"

    async def last(self, generation: int) -> FrameId | None:
        """The newest frame in the stream."""
        key = stream_key(self.session_id, generation)
        entries = cast("list[tuple[bytes, object]]", await self.redis.xrevrange(key, count=1))
        return FrameId.parse(f"{generation}.{entries[0][0].decode()}") if entries else None

    async def page(self, generation: int, after: FrameId | None) -> list[Frame]:
        """The frames after `after` that are still in the stream, a page of them."""
        key = stream_key(self.session_id, generation)
        low = f"({after.entry}" if after else "-"
        entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", await self.redis.xrange(key, low, "+", count=PAGE))
        return [_frame(generation, entry, fields) for entry, fields in entries]

    async def read(self, generation: int, after: FrameId | None, block_ms: int = BLOCK_MS) -> tuple[list[Frame], bool]:
        """New frames, and whether the row is to be looked at; waits up to `block_ms` for either."""
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
        told = found.pop(notices, None)
        if told:
            self.noticed = told[-1][0]
        frames = [_frame(generation, entry, fields) for entries in found.values() for entry, fields in entries]
        return frames, bool(told)


def _frame(generation: int, entry: bytes, fields: dict[bytes, bytes]) -> Frame:
    frame_id = FrameId.parse(f"{generation}.{entry.decode()}")
    return decode(frame_id, fields[b"b"], fields[b"h"].hex())
