"""Readers that the replay waits for: it is never more than a window of frames ahead of the slowest of them.

In Redis, per session: a sorted set of leases (reader → when it ends, on Redis's clock) and a hash of what each
has acknowledged. A reader renews its lease while it is there; one that goes silent is released by the coordinator.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import redis
import redis.asyncio
from django.conf import settings

from sessions.redis_faults import fault
from sessions.redis_keys import session_key, stream_key
from streaming.base.cancellation import end
from streaming.base.db import RETRY_AFTER
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.publishing.lockstep_scripts import ACKNOWLEDGE, JOIN, LEAVE, RENEW, ROOM

log = logging.getLogger(__name__)
MOST_WINDOW = 100
SHORTEST_WAIT, LONGEST_WAIT = 0.001, 0.02
"""Seconds between two looks of a replay that is held: a fast reader must not wait, a slow one cost nothing."""

BEFORE_ALL = "0.0-0"
NEVER_PUBLISHED = 2
"""The script's answer."""


class BadWindow(ValueError):
    """A window that a lockstep reader cannot have; the text says which it can."""


class NameTaken(Exception):
    """The replay waits for a reader of this name that another owner opened."""


class NeverPublished(ValueError):
    """A frame that the session has not published cannot be acknowledged."""


def _keys(session_id: int) -> list[str]:
    return [session_key(session_id, "lockstep"), acknowledged_key(session_id)]


def acknowledged_key(session_id: int) -> str:
    """There as long as the session has a lockstep reader."""
    return session_key(session_id, "lockstep", "acks")


@dataclass
class Lockstep:
    """One reader that the replay waits for. `by_hand`: its client acknowledges, the connection alone does not.

    `owner`: who opened it. Its name is the owner's as long as the replay waits for it; "" is this installation's own
    processes.
    """

    session_id: int
    name: str
    window: int = 1
    by_hand: bool = False
    owner: str = ""
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    sent: FrameId | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.window <= MOST_WINDOW:
            raise BadWindow(f"A window of {self.window} frames is not possible: give 1 to {MOST_WINDOW}.")

    def held(self, client: redis.asyncio.Redis, place: FrameId | None) -> WaitedFor:
        """Be waited for, from a place on, until the block ends. The owner's earlier reader of that name is out.

        Raises NameTaken on entering.
        """
        self.client = client
        return WaitedFor(self, place)

    async def acknowledge(self, place: FrameId) -> bool:
        """The reader is done with this frame; False when it has been released. Waits while Redis is away.

        Raises NeverPublished.
        """
        keys, args = _acknowledgement(self, place, known=place == self.sent)
        while True:
            try:
                return _acknowledged(await self.client.eval(ACKNOWLEDGE, len(keys), *keys, *args), place)
            except redis.RedisError as error:
                log.warning("Reader %s of session %s cannot acknowledge: %s", self.name, self.session_id, fault(error))
                await asyncio.sleep(RETRY_AFTER)

    async def renew(self) -> None:
        """While this event loop runs. A client that acknowledges by hand must have done so for all it was sent."""
        wait = settings.LOCKSTEP_TTL / 3
        while True:
            await asyncio.sleep(wait)
            wait = settings.LOCKSTEP_TTL / 3
            settled = str(self.sent) if self.by_hand and self.sent else ""
            try:
                args: list[str | int] = [self.name, self.token, _ttl_ms(), settled]
                await self.client.eval(RENEW, 2, *_keys(self.session_id), *args)
            except redis.RedisError:
                wait = min(wait, RETRY_AFTER)


@dataclass
class WaitedFor:
    """A class, not a generator, for the reason that `streaming.reading.hub` gives."""

    step: Lockstep
    place: FrameId | None

    async def __aenter__(self) -> None:
        step = self.step
        place = str(self.place or BEFORE_ALL)
        args: list[str | int] = [step.name, step.token, step.owner, step.window, place, _ttl_ms()]
        try:
            joined = await step.client.eval(JOIN, 2, *_keys(step.session_id), *args)
        except asyncio.CancelledError:
            await self._leave()  # Redis may have let it join already
            raise
        if not joined:
            raise NameTaken(taken(step.session_id, step.name))
        self.renewing = asyncio.create_task(step.renew())

    async def __aexit__(self, *_: object) -> None:
        await end(self.renewing)
        await self._leave()

    async def _leave(self) -> None:
        step = self.step
        with contextlib.suppress(redis.RedisError):
            await step.client.eval(LEAVE, 2, *_keys(step.session_id), step.name, step.token)


def acknowledge(client: redis.Redis, step: Lockstep, place: FrameId, *, known: bool = False) -> bool:
    """On behalf of an owner's reader whose connection is elsewhere; False when there is none of that name.

    `known`: the frame is known to be published. Raises NeverPublished.
    """
    keys, args = _acknowledgement(replace(step, token=""), place, known=known)
    return _acknowledged(client.eval(ACKNOWLEDGE, len(keys), *keys, *args), place)


def require_free(client: redis.Redis, step: Lockstep) -> None:
    """Raises NameTaken where the replay waits for another owner's reader of that name."""
    leases, readers = _keys(step.session_id)
    until = client.zscore(leases, step.name)
    held = cast("bytes | None", client.hget(readers, step.name))
    seconds, _ = client.time()
    if held and until and until > seconds * 1000 and held.decode().split("|")[1] != step.owner:
        raise NameTaken(taken(step.session_id, step.name))


def taken(session_id: int, name: str) -> str:
    return f"Session {session_id} waits for a reader {name!r} that another owner opened: choose another name."


def _acknowledgement(step: Lockstep, place: FrameId, *, known: bool) -> tuple[list[str], list[str | int]]:
    keys = [*_keys(step.session_id), stream_key(step.session_id, place.generation)]
    published = "known" if known else ""
    return keys, [step.name, step.token, step.owner, _ttl_ms(), place.generation, place.entry, published]


def _acknowledged(reply: Any, place: FrameId) -> bool:
    if int(reply) == NEVER_PUBLISHED:
        raise NeverPublished(f"Frame {place} was never published: acknowledge the id of a frame that came.")
    return bool(reply)


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

    def __init__(self, client: redis.Redis, session_id: int, report: Callable[[str], None]) -> None:
        self._room = client.register_script(ROOM)
        self.session_id, self.report = session_id, report
        self.waits_for = ""
        self.wait = SHORTEST_WAIT
        self.free = False
        """No reader was waited for at the last look."""
        self.was_away = False
        """Readers could not renew their leases either: they get new ones."""

    def room(self, stream: str, generation: int) -> int | None:
        """Frames that may go out; None without lockstep readers. Releases silent ones, and reports them.

        Raises redis.RedisError.
        """
        keys = [*_keys(self.session_id), stream]
        args = [generation, _ttl_ms(), int(self.was_away)]
        try:
            room, slowest, *silent = cast("list[Any]", self._room(keys=keys, args=args))
        except redis.RedisError:
            self.was_away = True
            raise
        self.was_away = False
        for name in silent:
            self.report(f"lockstep reader {name.decode()} was silent for {settings.LOCKSTEP_TTL:g} s and is released")
        self.free = room == -1
        free = self.free or room > 0
        self.waits_for = "" if free else slowest.decode()
        self.wait = SHORTEST_WAIT if free else min(LONGEST_WAIT, self.wait * 1.5)
        return None if self.free else int(room)
