"""A session played by hand: the engine's own tape, chain and bus, one step at a time, without a worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, closing
from functools import cache
from typing import Any

from marketdata.models import DayVersion
from sessions.models import DayMark, JournalEntry, Session, State
from sessions.redis_client import connection as redis_connection
from sessions.wakeup import announce
from streaming.engine.days.loading import tape_of
from streaming.engine.days.recipe import Recipe
from streaming.engine.frames.frame import NO_CHAIN, link
from streaming.engine.frames.frame_id import FrameId, milliseconds, moment
from streaming.engine.frames.stretch import Packed
from streaming.engine.publishing.bus import Bus, stream_key
from streaming.engine.records import journal as journals
from streaming.reading.reader import follow
from tests.streaming.rows import DAY, a_session, update_run

IdAndHash = tuple[str, str]
"""A frame's id and hash."""


@cache
def _bus() -> Bus:
    """One for the run: its connection stays open."""
    return Bus()


class Paper:
    """One day of the symbols, from its open on."""

    def __init__(self, *symbols: str) -> None:
        redis_connection().flushdb()
        Session.objects.all().delete()
        DayVersion.objects.all().delete()
        self.session = a_session(*symbols or ("AAPL", "MSFT"), clock=None, frame_id="")
        self.journal = journals.read(self.session.pk)
        self.tape = tape_of(Recipe.of(self.session), self.journal, DAY, generation=1)
        self.bus = _bus()
        self.bus.raise_fence(self.session.pk, 1)
        self.begin(1, 0)

    def begin(self, generation: int, k: int) -> None:
        self.generation, self.k, self.prev, self.chain = generation, k, None, NO_CHAIN
        self.out: list[IdAndHash] = []
        DayMark.objects.create(session=self.session, generation=generation, date=DAY, chain=self.chain.hex(), prev="")

    def play(self, count: int) -> list[IdAndHash]:
        """The next frames go out, and the row says so; returns (id, hash) of all so far."""
        frames: list[Packed] = []
        for k in range(self.k, min(self.k + count, len(self.tape))):
            frame_id = self.tape.frame_id(k, self.generation)
            body = self.tape.body(k, self.prev, self.journal.active(self.generation, moment(frame_id.ms)))
            self.chain, self.prev = link(self.chain, frame_id, body), frame_id
            frames.append(Packed(frame_id, body, self.chain))
            self.out.append((str(frame_id), self.chain.hex()))
        if frames:
            self.k += len(frames)
            self.bus.raise_fence(self.session.pk, 1)
            with closing(self.bus.writer(self.session.pk, 1)) as writer:
                writer.append(frames)
            self.write(clock=moment(frames[-1].id.ms), frame_id=frames[-1].id.entry, chain=self.chain.hex())
        return self.out

    def write(self, **changes: Any) -> None:
        update_run(self.session, **changes)

    def complete(self) -> list[IdAndHash]:
        """Play the rest and end."""
        self.play(len(self.tape))
        self.session.move_to(State.COMPLETED)
        return self.out

    def seek(self, k: int) -> None:
        """A new generation that begins at the instant of frame k."""
        to = moment(self.tape.instant(k))
        payload = {"generation": self.generation + 1, "to": to.isoformat()}
        number = JournalEntry.objects.filter(session=self.session).count()
        JournalEntry.objects.create(session=self.session, number=number, kind="seek", payload=payload)
        self.journal = journals.read(self.session.pk)
        self.write(generation=self.generation + 1, frame_id="", chain="", clock=to)
        announce(self.session.pk)
        self.begin(self.generation + 1, self.tape.first_after(milliseconds(to)))

    def trim(self, kept: int) -> None:
        """The stream keeps its newest frames only, and those that a lockstep reader has not had."""
        self.bus.trim(self.session.pk, FrameId.parse(self.out[-kept][0]))

    def held(self) -> int:
        """Frames in the stream."""
        return int(redis_connection().xlen(stream_key(self.session.pk, self.generation)))  # type: ignore[arg-type]


def id_and_hash(frame: dict[str, Any]) -> IdAndHash:
    return frame["id"], frame["hash"]


def kinds(frames: list[dict[str, Any]]) -> list[str]:
    """The notices' types, in order."""
    return [event["type"] for frame in frames if frame["id"] is None for event in frame["events"]]


async def collect(frames: AsyncIterator[dict[str, Any]], durable: int | None = None) -> list[dict[str, Any]]:
    """Until the end, or until so many frames with an id have come."""
    found: list[dict[str, Any]] = []
    async with aclosing(frames), asyncio.timeout(60):  # type: ignore[type-var]
        if durable == 0:
            return found
        async for frame in frames:
            found.append(frame)
            if durable is not None and sum(bool(frame["id"]) for frame in found) >= durable:
                break
    return found


def read(session_id: int, durable: int | None = None, **options: Any) -> list[dict[str, Any]]:
    return asyncio.run(collect(follow(session_id, **options), durable))
