"""Readers that the replay waits for: it is never more than a window of frames ahead of the slowest of them.

In Redis, per session: a sorted set of leases (reader → when it ends, on Redis's clock) and a hash of what each
has acknowledged. A reader renews its lease while it is there; one that goes silent is let go by the coordinator.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import redis
import redis.asyncio
from django.conf import settings

from streaming.ending import end
from streaming.engine.frames import FrameId

MOST_WINDOW = 100
SHORTEST_WAIT, LONGEST_WAIT = 0.001, 0.02
"""Seconds between two looks of a replay that is held: a fast reader must not wait, a slow one cost nothing."""

NOW = "local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
JOIN = (
    NOW
    + """
redis.call('ZADD', KEYS[1], now + ARGV[4], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. '|' .. ARGV[5] .. '|' .. ARGV[3])
return 1
"""
)
# ARGV: name, token ('' is anybody's), place ('' keeps it), ttl, place that must be acknowledged ('' is any).
RENEW = (
    NOW
    + """
local held = redis.call('HGET', KEYS[2], ARGV[1])
if not held then return 0 end
local token, window, place = string.match(held, '^([^|]*)|(%d+)|(.*)$')
if ARGV[2] ~= '' and token ~= ARGV[2] then return 0 end
if ARGV[3] ~= '' then
  place = ARGV[3]
  redis.call('HSET', KEYS[2], ARGV[1], token .. '|' .. window .. '|' .. place)
end
if ARGV[5] == '' or place == ARGV[5] then redis.call('ZADD', KEYS[1], now + ARGV[4], ARGV[1]) end
return 1
"""
)
LEAVE = """
local held = redis.call('HGET', KEYS[2], ARGV[1])
if not held or string.match(held, '^([^|]*)|') ~= ARGV[2] then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
return redis.call('HDEL', KEYS[2], ARGV[1])
"""
# Frames are counted where they are. A place in another generation is before everything of this one.
ROOM = (
    NOW
    + """
local silent = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)
for _, name in ipairs(silent) do
  redis.call('ZREM', KEYS[1], name)
  redis.call('HDEL', KEYS[2], name)
end
local room, slowest = -1, ''
local held = redis.call('HGETALL', KEYS[2])
for i = 1, #held, 2 do
  local window, generation, entry = string.match(held[i + 1], '^[^|]*|(%d+)|(%d+)%.(.*)$')
  local low = generation == ARGV[1] and '(' .. entry or '-'
  local left = window - #redis.call('XRANGE', KEYS[3], low, '+', 'COUNT', window)
  if room == -1 or left < room then room, slowest = left, held[i] end
end
return {room, slowest, unpack(silent)}
"""
)
BEFORE_ALL = "0.0-0"


class BadWindow(ValueError):
    """A window that a lockstep reader cannot have; the text says which it can."""


def _keys(session_id: int) -> list[str]:
    return [f"tapedeck:{session_id}:lockstep", acknowledged_key(session_id)]


def acknowledged_key(session_id: int) -> str:
    """There as long as the session has a lockstep reader."""
    return f"tapedeck:{session_id}:lockstep:acks"


@dataclass
class Lockstep:
    """One reader that the replay waits for. `by_hand`: its client acknowledges, the connection alone does not."""

    session_id: int
    name: str
    window: int = 1
    by_hand: bool = False
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    sent: FrameId | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.window <= MOST_WINDOW:
            raise BadWindow(f"A window of {self.window} frames is not possible: give 1 to {MOST_WINDOW}.")

    def held(self, client: redis.asyncio.Redis, place: FrameId | None) -> Held:
        """Be waited for, from a place on, until the block ends. A reader of the same name before this one is out."""
        self.client = client
        return Held(self, place)

    async def acknowledge(self, place: FrameId) -> bool:
        """The reader is done with this frame; False when it has been let go."""
        args: list[str | int] = [self.name, self.token, str(place), _ttl_ms(), ""]
        return bool(await self.client.eval(RENEW, 2, *_keys(self.session_id), *args))

    async def renew(self) -> None:
        """While this event loop runs. A client that acknowledges by hand must have done so for all it was sent."""
        while True:
            await asyncio.sleep(settings.LOCKSTEP_TTL / 3)
            settled = str(self.sent) if self.by_hand and self.sent else ""
            with contextlib.suppress(redis.RedisError):
                args: list[str | int] = [self.name, self.token, "", _ttl_ms(), settled]
                await self.client.eval(RENEW, 2, *_keys(self.session_id), *args)


@dataclass
class Held:
    """A class, not a generator, for the reason that `streaming.reading.hub` gives."""

    step: Lockstep
    place: FrameId | None

    async def __aenter__(self) -> None:
        step = self.step
        args: list[str | int] = [step.name, step.token, str(self.place or BEFORE_ALL), _ttl_ms(), step.window]
        await step.client.eval(JOIN, 2, *_keys(step.session_id), *args)
        self.renewing = asyncio.create_task(step.renew())

    async def __aexit__(self, *_: object) -> None:
        await end(self.renewing)
        step = self.step
        with contextlib.suppress(redis.RedisError):
            await step.client.eval(LEAVE, 2, *_keys(step.session_id), step.name, step.token)


def acknowledge(client: redis.Redis, session_id: int, name: str, place: FrameId) -> bool:
    """On behalf of a reader whose connection is elsewhere; False when there is none of that name."""
    return bool(client.eval(RENEW, 2, *_keys(session_id), name, "", str(place), str(_ttl_ms()), ""))


def floor(client: redis.Redis, session_id: int, generation: int) -> FrameId | None:
    """The earliest frame that a live lockstep reader has acknowledged: the stream is kept from there on."""
    values = cast("list[bytes]", client.hvals(_keys(session_id)[1]))
    places = [FrameId.parse(value.decode().rsplit("|", 1)[1]) for value in values]
    first = FrameId(generation, 0, 0)
    return min((place if place.generation == generation else first for place in places), default=None)


def _ttl_ms() -> int:
    return int(settings.LOCKSTEP_TTL * 1000)


class Gate:
    """The coordinator's side: how many frames may go out now."""

    def __init__(self, client: redis.Redis, session_id: int, tell: Callable[[str], None]) -> None:
        self._room = client.register_script(ROOM)
        self.session_id, self.tell = session_id, tell
        self.waits_for = ""
        self.wait = SHORTEST_WAIT
        self.free = False
        """Nobody was waited for when last asked."""

    def room(self, stream: str, generation: int) -> int | None:
        """Frames that may go out; None where nobody is waited for. Lets silent readers go, and says so."""
        try:
            keys = [*_keys(self.session_id), stream]
            room, slowest, *silent = cast("list[Any]", self._room(keys=keys, args=[generation]))
        except (redis.ConnectionError, redis.TimeoutError):
            return None  # publishing finds Redis away too, and waits for it
        for name in silent:
            self.tell(f"lockstep reader {name.decode()} was silent for {settings.LOCKSTEP_TTL:g} s and is let go")
        self.free = room == -1
        free = self.free or room > 0
        self.waits_for = "" if free else slowest.decode()
        self.wait = SHORTEST_WAIT if free else min(LONGEST_WAIT, self.wait * 1.5)
        return None if self.free else int(room)
