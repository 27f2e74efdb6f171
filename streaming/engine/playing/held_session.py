"""A session under its lease: opened where it stood, its waits and its end on its rows, released."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress

from django.conf import settings
from django.db import OperationalError, transaction

from sessions import postgres_faults, redis_faults
from sessions.market_time import shown
from sessions.models import Session, State
from streaming.base.db import connected, is_away, is_unreachable
from streaming.engine.days.held_days import Days, Loaded, Move
from streaming.engine.days.recipe import Recipe
from streaming.engine.frames.frame_id import milliseconds, moment
from streaming.engine.playing.admission import Admission
from streaming.engine.playing.checkpoint import Checkpoint, end_session
from streaming.engine.playing.membership import Membership
from streaming.engine.playing.playhead import Playhead
from streaming.engine.publishing.bus import Bus
from streaming.engine.publishing.lockstep import Gate
from streaming.engine.publishing.participants import Stage, participant_of
from streaming.engine.publishing.publisher import Publisher
from streaming.engine.records import journal as journals
from streaming.engine.records import lease as leases
from streaming.engine.records.fence import LeaseLost, fenced
from streaming.engine.records.position_writer import PositionWriter

log = logging.getLogger(__name__)
LOOK_EVERY = 1.0
"""Seconds after which a waiting session looks around even if it was not woken."""


class HeldSession:
    """A session under this process's lease, with what playing it takes; `move` is the day that it is on its way to."""

    def __init__(
        self,
        lease: leases.Lease,
        bus: Bus,
        loader: Executor,
        position_writer: PositionWriter,
        ask_upkeep: Callable[[int], None],
    ) -> None:
        self.lease, self.bus, self.loader = lease, bus, loader
        self.position_writer, self.ask_upkeep = position_writer, ask_upkeep
        self.wake, self.release_requested, self.asked = threading.Event(), threading.Event(), True
        self.requested, self.news = False, True
        self.obeyed: int | None = None
        """The control version that the row had when it was last looked at."""
        self.move: Move | None = None
        self.prefetch_reported, self.refused = False, False
        self.picked_up: float | None = None
        self.upkeep_asked = 0.0
        self.cpu_seconds = 0.0
        """CPU time of the thread that plays it, so far."""

    def ask(self) -> None:
        """Have the row looked at: it may have a new request. May be called by any thread."""
        self.asked = self.news = True
        self.wake.set()

    def ask_participant(self) -> None:
        """Have those who take part look for requests; nothing else is new. May be called by any thread."""
        self.requested = True
        self.wake.set()

    def release(self) -> None:
        """Let another worker have it, from the next frame on. May be called by any thread."""
        self.release_requested.set()
        self.ask()

    def _open(self) -> bool:
        """Stand where the last checkpoint left off; False when the session ended before its day was there."""
        with connected():
            self.session = Session.objects.with_run().get(pk=self.lease.session_id)
            self.checkpoint = Checkpoint(self.session, self.lease, self.position_writer)
            self.pace = self.checkpoint.pace
            self.recipe = Recipe.of(self.session)
            self.bus.raise_fence(self.session.pk, self.lease.epoch)
            self.output = Publisher(self.bus, self.lease, self.session, self._rest, self._report_waiting)
            self.gate = Gate(self.bus.redis, self.session.pk, self._report_lockstep)
            begins = journals.read(self.session.pk, self.session.start_date).begins(self.output.generation)
        self.days = Days(
            self.recipe, self.lease, self.loader, self.wake.set, self._report_waiting, self.output.generation
        )
        self.members = Membership(self.session, self.lease.epoch, self.days)
        self.admission = Admission(self.session, self.lease.epoch, self.days)
        at = moment(self.output.prev.ms) if self.output.prev else begins
        loaded = self._first_day(self.recipe.calendar.session_date_of(at) if at else self.session.first_date)
        if loaded is None:
            return False
        with connected():
            self.session.refresh_from_db()
            self.journal, self.head = loaded.journal, Playhead(loaded.tape, at, self.session)
            self._admit_participant(loaded)
            if self.session.run.moving.get("generation") == self.output.generation:
                self.head.carry_over(self.session.run.moving, self.lease.renewed_before)
            self._acknowledge(at)
            if self.session.paused:  # no frame will say that what it waited for is there
                self._clear_reason()
        return True

    def _admit_participant(self, loaded: Loaded) -> None:
        begins = self.session.run.clock or self.session.start_at or loaded.tape.day.begin
        published = self.output.prev.ms if self.output.prev else milliseconds(begins)
        self.stage = Stage(self.session, self.lease.epoch, self.output.generation, published)
        self.participant = participant_of(self.stage)
        self.participant.show(loaded.tape, loaded.journal)

    def _pick_up(self) -> None:
        """New requests of those who take part; not while frames are made again that are out already."""
        if self.output.caught_up:
            self.picked_up = time.monotonic()
            self.output.publish_beside(self.participant.pick_up())

    def _first_day(self, date: dt.date) -> Loaded | None:
        loading = self.days.ask(date)
        while (loaded := self.days.poll(loading)) is None:
            self._idle()
            self.wake.clear()
            with connected():
                self.session.refresh_from_db()
                if self.session.stop_requested and self.output.caught_up:
                    self._end(State.STOPPED, reason=self.session.reason)
                    return None
        return loaded

    def _acknowledge(self, at: dt.datetime | None) -> None:
        self.checkpoint.moving = self._moving
        if at and self.session.run.clock is None:
            self.checkpoint.write(clock=at)
        where = shown(at, self.session) if at else "the start"
        self.checkpoint.acknowledge(self.head.tape, where, leases.worker_name(), **self.days.held(self.head.tape))

    def _save(self, *, force: bool = False) -> None:
        with self.pace.stage("Postgres"):
            self.checkpoint.save(self.output, self.head.tape, self.head.k, force=force)

    def _idle(self) -> None:
        self.lease.check()
        self.wake.wait(LOOK_EVERY)
        self._rest(0)

    def _rest(self, seconds: float) -> None:
        if self.release_requested.wait(seconds):
            raise LeaseLost("the worker gives it up")

    def _report_waiting(self, reason: str) -> None:
        """On the session's row for as long as it waits, and as an event once."""
        if self.session.reason == reason:
            return
        with connected():
            self._say(reason)

    def _say(self, reason: str) -> None:
        """On the row first: there may be room for that and none for an event. Without any it is in the log alone."""
        with _logged_where_there_is_no_room(f"Session {self.session.pk} waits: {reason}"):
            with fenced(self.session.pk, self.lease.epoch):
                Session.objects.filter(pk=self.session.pk).update(reason=reason)
            self.session.reason = reason
            self.session.record("waiting", reason, level="warning")

    def _has_room(self) -> bool:
        """Whether where it stands can be written; until then it stands still, and says why."""
        if not self.position_writer.refusal:
            return True
        self._report_waiting(self.position_writer.refusal)
        if self.head.speed:
            self.head.time.anchor(self.head.tape.instant(self.head.k))
        self._idle()
        return False

    def _report_lockstep(self, message: str) -> None:
        with connected():
            self.session.record("lockstep", message, level="warning")

    def _clear_reason(self) -> None:
        """What it waited for is there."""
        if self.session.reason:
            self.checkpoint.write_session(reason="")
            self.session.reason = ""

    def _moving(self) -> dict[str, float]:
        return {"generation": self.output.generation, **self.head.moving(still=self.move is not None)}

    def _end(self, state: State, reason: str = "") -> None:
        """The last state, also of a session that never came to play."""
        with connected():
            if hasattr(self, "head"):
                self._save(force=True)
            ended = end_session(self.lease, state, reason)
            if ended is not None:
                self.bus.close_stream(ended.pk, ended.run.generation)

    def _completed(self) -> bool:
        """False where something was asked for since the row was last looked at: a seek, say, comes before the end."""
        with connected():
            self._save(force=True)
            with transaction.atomic():
                rows = Session.objects.select_for_update(no_key=True).filter(pk=self.session.pk)
                if rows.values_list("control_version", flat=True).get() != self.obeyed:
                    self.ask()
                    return False
                ended = end_session(self.lease, State.COMPLETED, "")
            if ended is not None:
                self.bus.close_stream(ended.pk, ended.run.generation)
        return True

    def _leave(self, error: BaseException | None) -> None:
        """Release the session. A defect, which Postgres being away is not, fails it: it would only fail again."""
        if error is not None and not is_away(error):
            self._end(State.FAILED, reason=f"internal error ({error!r}): see the replay worker's log")
        if hasattr(self, "output"):
            self.output.writer.close()
        if self.refused:
            return  # the lease runs out by itself: the next try comes after its TTL, not at once
        with connected():
            leases.release(self.lease, **({"moving": self._moving()} if hasattr(self, "head") else {}))

    def _report_release(self, error: Exception) -> None:
        """What a person has to do something about, on the session: else it is released and claimed for ever."""
        self.refused = bool(_refusal(error))
        reason = self._release_reason(error)
        if not reason:
            return
        with connected(), suppress(LeaseLost):
            self.session = Session.objects.with_run().get(pk=self.lease.session_id)
            if self.session.is_live and self.session.reason != reason:
                self._say(reason)

    def _release_reason(self, error: Exception) -> str:
        """Empty where the session is another worker's, this one shuts down, or Postgres is away."""
        if self.refused:
            return _refusal(error)
        if isinstance(error, OperationalError) and not is_unreachable(error):
            return postgres_faults.fault(error)
        if not isinstance(error, LeaseLost) or self.lease.lost or self.release_requested.is_set():
            return ""
        return self.lease.refusal or (
            f"{leases.worker_name()} could not renew its lease within {settings.LEASE_TTL:g} s: its machine is "
            "too slow for what it plays, or Postgres does not answer"
        )


def _refusal(error: BaseException) -> str:
    """Of the server that the error came from: it answers, and takes nothing."""
    return redis_faults.refusal(error) or postgres_faults.refusal(error)


@contextmanager
def _logged_where_there_is_no_room(message: str) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if not postgres_faults.refusal(error):
            raise
        log.warning("%s (Postgres has no room for that either: %s)", message, error)
