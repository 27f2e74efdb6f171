"""Appending to a session's stream, under the fence of the lease's epoch."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import redis

from sessions.redis_keys import session_key, stream_key
from streaming.engine.frames.stretch import Packed, Stretch
from streaming.engine.publishing import lockstep
from streaming.engine.publishing.participants import Entry
from streaming.engine.records.fence import LeaseLost

SENT_AT_ONCE = 1 << 20
"""Bytes, where the system lets it have as many."""
MOST_ENTRIES_BESIDE = 10_000


class Fenced(LeaseLost):
    """Another epoch holds the stream."""


class FenceMissing(Exception):
    """Redis lost the fence: renew the lease in Postgres, then set it again."""


class HeldBack(Exception):
    """There are lockstep readers: frames may not go out without looking how far those have come."""


def fence_key(session_id: int) -> str:
    return session_key(session_id, "epoch")


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

    def append(
        self,
        frames: Sequence[Packed | Stretch],
        *,
        free: bool = False,
        beside: Sequence[Entry] = (),
        meanwhile: Callable[[], None] | None = None,
    ) -> int:
        """Append frames in order, an entry each or one for a stretch of them; returns how many were new.

        With `free`, only where there is no lockstep reader. What is there already was written by an earlier holder,
        byte for byte: it is skipped. So is an entry of the streams `beside`. `meanwhile` is called while Redis takes
        them.
        """
        stream = stream_key(self.session_id, frames[0].id.generation) if frames else ""
        added = [("XADD", stream, each.id.entry, *_flat(each.fields)) for each in frames]
        added += [_bounded_add(entry) for entry in beside]
        try:
            if self.seen is None or self.watched_free != free:
                self._exchange([("UNWATCH",)], free)
            while True:
                self._see_fit(free)
                outcome = self._exchange([("MULTI",), *added, ("EXEC",)], free, meanwhile)
                if outcome is not None:
                    new = [_was_new(reply) for reply in outcome]
                    return sum(len(each) for each, was_new in zip(frames, new, strict=False) if was_new)
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

    def _exchange(
        self, commands: Sequence[tuple[Any, ...]], free: bool, meanwhile: Callable[[], None] | None = None
    ) -> Any:
        """The last command's reply; the next look is in `seen`. Lockstep readers acknowledge: watched only if free."""
        self.seen, self.watched_free = None, free
        if self.connection is None:
            self.connection = self.pool.get_connection()
            _enlarge(self.connection._sock)
        watched = [self.fence, self.waited_for] if free else [self.fence]
        look = [("WATCH", *watched), ("GET", self.fence), ("EXISTS", self.waited_for)]
        packed = self.connection.pack_commands([*commands, *look])
        # Without the health check, which would connect again by itself, and unwatched.
        self.connection.send_packed_command(packed, check_health=False)
        if meanwhile is not None:
            meanwhile()
        replies = [self.connection.read_response() for _ in range(len(commands) + len(look))]
        self.seen = replies[-2], replies[-1]
        return replies[len(commands) - 1]


def _enlarge(sock: socket.socket) -> None:
    """So that a stretch is on its way at once, and not as Redis reads it. TCP's buffers grow by themselves."""
    if sock.family == socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SENT_AT_ONCE)


def _bounded_add(entry: Entry) -> tuple[Any, ...]:
    return ("XADD", entry.stream, "MAXLEN", "~", MOST_ENTRIES_BESIDE, entry.id, *_flat(entry.fields))


def _flat(fields: Mapping[str, bytes]) -> Iterator[str | bytes]:
    return (part for item in fields.items() for part in item)


def _was_new(reply: object) -> bool:
    if isinstance(reply, redis.ResponseError):
        if "equal or smaller" not in str(reply):
            raise reply
        return False
    return True
