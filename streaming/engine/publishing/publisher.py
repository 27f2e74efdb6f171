"""A session's output: frames chained, appended under the lease's fence, the stream kept within its bounds."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import redis
from django.conf import settings

from sessions.market_time import shown
from sessions.models import Session
from sessions.redis_faults import fault, refusal
from streaming.base.db import connected
from streaming.engine.frames.frame import NO_CHAIN
from streaming.engine.frames.frame_id import FrameId, moment
from streaming.engine.frames.stretch import Stretch
from streaming.engine.publishing.bus import Bus, stream_key
from streaming.engine.publishing.packing import Place, packed
from streaming.engine.publishing.participants import Entry
from streaming.engine.publishing.writer import FenceMissing
from streaming.engine.records import lease as leases
from streaming.engine.records.journal import Journal
from streaming.engine.records.lease import Lease
from streaming.engine.tape.merge import Tape

T = TypeVar("T")
log = logging.getLogger(__name__)
PARTS = 256
"""In as many the stream is trimmed."""
TRIM_EVERY_SECONDS = 10.0
"""At full speed two days go by in a fraction of a second, and a reader that is this far behind is no late one."""
REDIS_RETRY_SECONDS, REFUSED_RETRY_SECONDS = 0.25, 1.0
SAID_AFTER_SECONDS = 1.0
"""Without an answer: a restart that is shorter is nobody's concern."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A part of a day's tape at a place of the chain: what frames are made of."""

    tape: Tape
    first: int
    last: int
    journal: Journal
    place: Place

    def packed(self) -> tuple[Stretch | None, int]:
        return packed(self.tape, self.first, self.last, self.journal, self.place)

    def is_same(self, other: Part) -> bool:
        mine, others = ((each.first, each.last, each.place) for each in (self, other))
        return self.tape is other.tape and self.journal is other.journal and mine == others


class Ahead(NamedTuple):
    """Frames that were made before they were asked for."""

    part: Part
    made: tuple[Stretch | None, int]


class Publisher:
    """Where the output stands: generation, last frame, hash chain, count.

    `end` is the last frame that anybody has published. A holder that resumes from an older checkpoint makes the
    frames up to it again, byte for byte; until then nothing new may take effect before it.
    """

    def __init__(
        self,
        bus: Bus,
        lease: Lease,
        session: Session,
        rest: Callable[[float], None],
        report: Callable[[str], None],
    ) -> None:
        self.bus, self.lease, self.session, self.rest, self.report = bus, lease, session, rest, report
        self.writer = bus.writer(session.pk, lease.epoch)
        self.generation = session.run.generation
        self.prev = FrameId.parse(f"{self.generation}.{session.run.frame_id}") if session.run.frame_id else None
        self.chain = bytes.fromhex(session.run.chain) if session.run.chain else NO_CHAIN
        self.count = session.run.frame_count
        self.ahead: Ahead | None = None
        self.end = max(filter(None, (self.prev, bus.end(session.pk, self.generation))), default=None)
        self._begin_stream()

    def new_generation(self, generation: int) -> None:
        """The stream of the one before stays for a while, for whoever is on its way to the reset."""
        self.bus.close_stream(self.session.pk, self.generation)
        self.generation, self.prev, self.end, self.chain, self.count = generation, None, None, NO_CHAIN, 0
        self._begin_stream()

    @property
    def clock(self) -> dt.datetime | None:
        """The clock of the last frame that anybody has published."""
        return self.end and moment(self.end.ms)

    @property
    def caught_up(self) -> bool:
        """Whether the next frame is one that nobody has published yet."""
        return self.prev == self.end

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return shown(moment(self.end.ms), self.session) if self.end else "the start"

    @property
    def stream(self) -> str:
        """The Redis key that it goes to."""
        return stream_key(self.session.pk, self.generation)

    def _begin_stream(self) -> None:
        self.kept: deque[tuple[FrameId, int]] = deque()
        self.kept_bytes = 0
        self.trim_at = time.monotonic() + TRIM_EVERY_SECONDS

    def pack(self, tape: Tape, first: int, last: int, journal: Journal) -> tuple[Stretch | None, int]:
        """Frames `first` up to `last` (excluded) of a day, or as many of them as make a stretch, and where to go on.

        No frame where the active symbols have nothing at an instant; None where there is none at all.
        """
        ahead, self.ahead = self.ahead, None
        part = Part(tape, first, last, journal, (self.generation, self.prev, self.chain))
        return ahead.made if ahead is not None and ahead.part.is_same(part) else part.packed()

    def pack_ahead(self, frames: Stretch, tape: Tape, first: int, last: int, journal: Journal) -> None:
        """What `pack` will most likely be asked for once these frames are out."""
        if self.ahead is None:
            part = Part(tape, first, last, journal, (self.generation, frames.id, frames.chain))
            self.ahead = Ahead(part, part.packed())

    def publish(
        self,
        frames: Stretch,
        *,
        free: bool,
        beside: Sequence[Entry] = (),
        meanwhile: Callable[[], None] | None = None,
    ) -> bool:
        """Append frames; True when Redis kept us waiting, so that market time stood still.

        `free`: as there is no lockstep reader. Raises HeldBack, with nothing appended, where there is one.
        `beside`: what goes out with them. `meanwhile` is called while Redis takes them, again where it must be asked
        again.
        """
        held_up = self._append([frames], free, beside, meanwhile)
        self._bound(frames)
        self.prev, self.chain = frames.id, frames.chain
        self.count += len(frames)
        self.end = max(self.end, self.prev) if self.end else self.prev
        return held_up

    def trim_before(self, ms: int) -> None:
        """Let what is older go, now and then: the stream keeps two session days, and what a run just passed."""
        if time.monotonic() < self.trim_at:
            return
        self.trim_at = time.monotonic() + TRIM_EVERY_SECONDS
        self.bus.trim(self.session.pk, FrameId(self.generation, ms, 0))
        while self.kept and self.kept[0][0].ms < ms:
            self.kept_bytes -= self.kept.popleft()[1]

    def publish_beside(self, entries: Sequence[Entry]) -> None:
        """What goes out between two frames."""
        if entries:
            self._append([], False, entries)

    def _append(
        self,
        frames: list[Stretch],
        free: bool,
        beside: Sequence[Entry],
        meanwhile: Callable[[], None] | None = None,
    ) -> bool:
        held_up = False
        while True:
            try:
                _, waited = self.answer(
                    lambda: self.writer.append(frames, free=free, beside=beside, meanwhile=meanwhile)
                )
            except FenceMissing:
                self._set_fence_again()
                held_up = True
            else:
                return held_up or waited

    def answer(self, ask: Callable[[], T]) -> tuple[T, bool]:
        """What Redis answers, once it does, and whether it kept us waiting: the session says why while it does."""
        held_up, since = False, time.monotonic()
        while True:
            self.lease.check()
            try:
                return ask(), held_up
            except redis.RedisError as error:
                log.warning("Session %s waits for Redis: %s", self.session.pk, error)
                if refusal(error) or time.monotonic() - since > SAID_AFTER_SECONDS:
                    self.report(fault(error))
                self.rest(REFUSED_RETRY_SECONDS if refusal(error) else REDIS_RETRY_SECONDS)
            held_up = True

    def _set_fence_again(self) -> None:
        with connected():
            leases.renew([self.lease])
            self.lease.check()
            self.bus.raise_fence(self.session.pk, self.lease.epoch)
            self.session.record("redis", "Redis lost the stream: going on where it was", level="warning")

    def _bound(self, frames: Stretch) -> None:
        """Let the oldest frames go where the stream holds more bytes than it may.

        `kept` has the first frame and the bytes of each part: a day of quotes has too many frames to list.
        """
        size = len(frames.body)
        self.kept_bytes += size
        if self.kept and self.kept[-1][1] + size <= settings.STREAM_MAX_BYTES // PARTS:
            first, before = self.kept.pop()
            self.kept.append((first, before + size))
        else:
            self.kept.append((frames.first, size))
        if self.kept_bytes <= settings.STREAM_MAX_BYTES:
            return
        while self.kept_bytes > settings.STREAM_MAX_BYTES and len(self.kept) > 1:
            self.kept_bytes -= self.kept.popleft()[1]
        self.bus.trim(self.session.pk, self.kept[0][0])
