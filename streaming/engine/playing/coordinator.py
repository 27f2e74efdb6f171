"""The coordinator: plays one session under its lease - paces, obeys control, moves the clock."""

from __future__ import annotations

import logging
import sys
import time
from functools import partial

import redis
from django.db import InterfaceError, OperationalError

from marketdata.errors import MarketDataError
from sessions.models import Session, State, TransitionError
from streaming.base.db import connected
from streaming.engine.frames.frame_id import moment
from streaming.engine.frames.stretch import Stretch
from streaming.engine.playing.day_changes import DayChanges
from streaming.engine.playing.held_session import LOOK_EVERY
from streaming.engine.publishing.participants import Entry
from streaming.engine.publishing.writer import HeldBack
from streaming.engine.records.fence import LeaseLost

log = logging.getLogger(__name__)
FRAMES_WITH_ORDERS = 128
"""Most that go out at once where somebody takes part: requests are picked up between two stretches."""


class Coordinator(DayChanges):
    """One run of one session by one worker. `run` returns when the session ended or was released."""

    def run(self) -> None:
        try:
            self._run()
        except (LeaseLost, TransitionError, redis.RedisError, OperationalError, InterfaceError) as error:
            log.warning("Session %s released: %s", self.lease.session_id, error)
            self._report_release(error)
        finally:
            self._leave(sys.exc_info()[1])

    def _run(self) -> None:
        try:
            if self._open():
                self._play()
        except MarketDataError as error:
            self._end(State.FAILED, reason=str(error))

    def _play(self) -> None:
        while not self.release_requested.is_set():
            self.lease.check()
            self.cpu_seconds = time.thread_time()
            self.wake.clear()
            if self.asked and self.output.caught_up:  # what is out already is noted before anything new takes effect
                self.asked = False
                if self._obey():
                    return
            self._look_for_requests()
            if self.move:
                self._go(self.move)
            elif self.admission.loading:
                self._admit(self.admission.loading)
            elif self.members.adding and self._added():
                continue
            elif self.head.over:
                if not self._day_over():
                    return
            else:
                self._prefetch_if_due()
                if (last := self._in_step(self._due())) and self._has_room():
                    self._emit(last)
        with connected():
            self._save(force=True)

    def _due(self) -> int:
        """Wait for the next frame's instant; the index after the last frame that is due then, 0 for none."""
        if self.output.end and self.output.prev != self.output.end:
            return self.head.tape.first_after(self.output.end.ms)
        if self.head.standing:
            self._idle()
            return 0
        wait = self.head.wait()
        if wait > 0 and (self.wake.wait(min(wait, LOOK_EVERY)) or wait > LOOK_EVERY):
            return 0
        return self.head.last_due()

    def _in_step(self, last: int) -> int:
        """No further than the lockstep readers have come; while they hold it, market time stands still."""
        if not last or (self.gate.free and not self.participant.active):
            return last  # a reader that comes holds the frames back when they are published, but not ones with orders
        room, _ = self.output.answer(lambda: self.gate.room(self.output.stream, self.output.generation))
        if room is None:
            return last
        if room > 0:
            return min(last, self.head.k + room)
        if self.head.speed:  # else it stands at the last frame, and has not come to the next one
            self.head.time.anchor(self.head.tape.instant(self.head.k))
        if self.output.prev and self.session.run.clock != moment(self.output.prev.ms):
            with connected():
                self._save()
        with self.pace.stage(f"lockstep reader {self.gate.waits_for}"):
            self.wake.wait(self.gate.wait)
        return 0

    def _emit(self, last: int) -> None:
        if self.output.prev is None:
            self.checkpoint.mark_day(self.output, self.head.tape)
        due = self.head.tape.instant(self.head.k)
        if not self.gate.free and self.participant.active:
            with connected():  # what was asked for before a frame was acknowledged arrives as of that frame
                self._pick_up()
        if self.participant.active:
            last = min(last, self.head.k + FRAMES_WITH_ORDERS)
        with self.pace.stage("merge"):
            frames, k = self.output.pack(self.head.tape, self.head.k, last, self.journal)
        if frames is None:
            self.head.k = k
            return
        entries = self._match(frames)
        try:
            with self.pace.stage("Redis"):
                more = k < last and not self.participant.active  # due, and nobody's orders stop on the way
                go_on = partial(self._pack_ahead, frames, k, last) if more else None
                held_up = self.output.publish(frames, free=self.gate.free, beside=entries, meanwhile=go_on)
        except HeldBack:
            self.gate.free = False
            if not self.participant.active:
                return
            held_up = self.output.publish(frames, free=False, beside=entries)  # they are written down already
        self.head.k = k
        self.stage.published_ms = frames.id.ms
        if self.session.reason:
            with connected():
                self._clear_reason()
        self.pace.published(frames.first, frames.id, self.head.late(due))
        self.gate.was_away |= held_up
        self.head.played(frames.id.ms, held_up=held_up)
        with connected():
            self._save(force=self.head.standing)

    def _pack_ahead(self, frames: Stretch, k: int, last: int) -> None:
        with self.pace.stage("merge"):
            self.output.pack_ahead(frames, self.head.tape, k, last, self.journal)

    def _look_for_requests(self) -> None:
        """Before the first new frame, where a message says that there is one, and where that was lost."""
        first = self.picked_up is None and self.output.caught_up
        due = self.picked_up is not None and self.participant.active and time.monotonic() - self.picked_up > LOOK_EVERY
        if first or due or (self.requested and not self.move):
            self.requested = False
            with connected():
                self._pick_up()

    def _match(self, frames: Stretch) -> list[Entry]:
        """Let who takes part work through the frames before they go out."""
        if not self.participant.active:
            return []
        with self.pace.stage("orders"), connected():
            return self.participant.before(frames.id.ms)

    def _obey(self) -> bool:
        """Apply what the row asks for; True when the session ended by it."""
        with connected():
            self.session.refresh_from_db()
            row = self.session
            self.obeyed = row.control_version
            if row.run.epoch != self.lease.epoch:
                raise LeaseLost(f"epoch {row.run.epoch} is not {self.lease.epoch}")
            if row.stop_requested:
                self._pick_up()  # what was accepted before is not left without an answer
                self._end(State.STOPPED, reason=row.reason)
                return True
            self._pace(row)
            if self.news:
                self.news = False  # before it is read: a message may come meanwhile
                self.admission.look()
            if row.seek_to and (self.move is None or self.move.to != row.seek_to):
                if not self.move:
                    self._pick_up()  # what was asked for before the seek arrives before it
                self._seek(row.seek_to)
            elif not self.move:
                clock = self.output.clock
                self.journal = self.members.obey(self.journal, self.head.tape.day.date, clock, self.output.generation)
                self._pick_up()
                if not self.members.adding:
                    self.admission.obey(self.journal, self.head.tape, clock, self.output.generation)
        return False

    def _pace(self, row: Session) -> None:
        """Market time so far at the old pace, from here on at the new. One write says so: somebody may wait for it."""
        self.head.obey(row)
        if not (row.paused or row.speed):
            self.days.pins_ahead.begin(self.head.tape.day.date, self.journal)
        target = State.PAUSED if row.paused else State.RUNNING
        if row.state != target:
            applied = {**self.checkpoint.position(self.output), "applied_version": row.control_version}
            self.checkpoint.move_to(target, f"{target} at {self.output.place}", **applied)
            self._save(force=True)
        elif row.run.applied_version != row.control_version:
            self.checkpoint.write(applied_version=row.control_version)
