"""The coordinator: plays one session under its lease - paces, obeys control, moves the clock."""

from __future__ import annotations

import datetime as dt
import logging
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor

import redis
from django.db import InterfaceError, OperationalError, transaction

from marketdata import calendar
from marketdata.errors import MarketDataError
from sessions import wakeup
from sessions.models import Session, State, TransitionError
from streaming.db import connected
from streaming.engine import journal as journals
from streaming.engine import lease as leases
from streaming.engine.admission import Admission
from streaming.engine.bus import Bus, HeldBack
from streaming.engine.checkpoint import Checkpoint, end_session
from streaming.engine.days import Days, Loaded, Loading, Move
from streaming.engine.frames import milliseconds, moment, rfc3339
from streaming.engine.journal import Kind, LeaseLost
from streaming.engine.loading import PREFETCH_BEFORE_CLOSE, Recipe
from streaming.engine.lockstep import Gate
from streaming.engine.membership import Membership
from streaming.engine.playhead import Playhead
from streaming.engine.publisher import Publisher
from streaming.engine.scribe import Scribe

log = logging.getLogger(__name__)
LOOK_EVERY = 1.0
"""Seconds after which a waiting session looks around even if nobody woke it."""


class Coordinator:
    """One run of one session by one worker. `run` returns when the session ended or was let go."""

    def __init__(
        self, lease: leases.Lease, bus: Bus, loader: Executor, scribe: Scribe, ask_upkeep: Callable[[int], None]
    ) -> None:
        self.lease, self.bus, self.loader, self.scribe, self.ask_upkeep = lease, bus, loader, scribe, ask_upkeep
        self.wake, self.let_go, self.asked = threading.Event(), threading.Event(), True
        self.move: Move | None = None
        self.prefetch_told = False

    def run(self) -> None:
        try:
            if self._open():
                self._play()
        except (LeaseLost, TransitionError, redis.RedisError) as error:
            log.warning("Session %s let go: %s", self.lease.session_id, error)
        except MarketDataError as error:
            self._end(State.FAILED, reason=str(error))
        finally:
            self._leave(sys.exc_info()[1])

    def _leave(self, error: BaseException | None) -> None:
        """Let the lease go. A defect, which Postgres being away is not, fails the session: it would only fail again."""
        if error is not None and not isinstance(error, OperationalError | InterfaceError):
            self._end(State.FAILED, reason=f"internal error ({error!r}): see the replay worker's log")
        if hasattr(self, "output"):
            self.output.writer.close()
        with connected():
            leases.release(self.lease)

    def ask(self) -> None:
        """Have the row looked at: somebody may want something of the session. May be called by any thread."""
        self.asked = True
        self.wake.set()

    # --- opening ------------------------------------------------------------------------------------

    def _open(self) -> bool:
        """Stand where the last checkpoint left off; False when the session ended before its day was there."""
        with connected():
            self.session = Session.objects.select_related("dataset").get(pk=self.lease.session_id)
            self.checkpoint = Checkpoint(self.session, self.lease, self.scribe)
            self.pace = self.checkpoint.pace
            self.recipe = Recipe.of(self.session)
            self.bus.raise_fence(self.session.pk, self.lease.epoch)
            self.output = Publisher(self.bus, self.lease, self.session, self._rest)
            self.gate = Gate(self.bus.redis, self.session.pk, self._tell_lockstep)
            begins = journals.read(self.session.pk, self.session.start_date).begins(self.output.generation)
        self.days = Days(
            self.recipe, self.lease, self.loader, self.wake.set, self._tell_waiting, self.output.generation
        )
        self.members = Membership(self.session, self.lease.epoch, self.days)
        self.admission = Admission(self.session, self.lease.epoch, self.days)
        at = moment(self.output.prev.ms) if self.output.prev else begins
        loaded = self._first_day(calendar.session_date_of(at) if at else self.session.first_date)
        if loaded is None:
            return False
        with connected():
            self.session.refresh_from_db()
            self.journal, self.head = loaded.journal, Playhead(loaded.tape, at, self.session)
            self._acknowledge(at)
        return True

    def _first_day(self, date: dt.date) -> Loaded | None:
        loading = self.days.ask(date)
        while (loaded := self.days.poll(loading)) is None:
            self._idle()
            self.wake.clear()
            with connected():
                self.session.refresh_from_db()
                if self.session.stop_requested:
                    self._end(State.STOPPED, reason=self.session.reason)
                    return None
        return loaded

    def _acknowledge(self, at: dt.datetime | None) -> None:
        self.checkpoint.moving = self._moving
        if at and self.session.clock is None:
            self.checkpoint.write(clock=at)
        where = rfc3339(milliseconds(at)) if at else "the start"
        self.checkpoint.acknowledge(self.head.tape, where, leases.worker_name(), **self.days.held(self.head.tape))

    # --- days ---------------------------------------------------------------------------------------

    def _show(self, loaded: Loaded, at: dt.datetime | None = None) -> None:
        """Stand in another day, after a moment of it or before its first frame."""
        self.journal, self.prefetch_told = self.journal.joined(loaded.journal), False
        self.head.put(loaded.tape, at)
        # What was being added to the day before, or corrected in it, is asked for again, for this one.
        self.members.adding = self.admission.loading = None
        self.ask()
        self.checkpoint.write(reason="", **self.days.held(self.head.tape))

    def _show_changed(self, loaded: Loaded) -> None:
        """The same day with other content, from the frame after the last one on."""
        self.journal, self.prefetch_told = loaded.journal, False
        clock = moment(self.output.prev.ms) if self.output.prev else self.session.clock
        self.head.change(loaded.tape, clock)
        self.checkpoint.write(**self.days.held(self.head.tape))

    def _prefetch_if_due(self) -> None:
        """Ask for the window's next day: 30 minutes before the close, earlier where loading would be late."""
        upcoming = self.recipe.after(self.head.tape.day.date)
        if self.days.prefetched or self.members.adding or not upcoming:
            self._tell_prefetched()
            return
        lead = max(PREFETCH_BEFORE_CLOSE.total_seconds(), 3 * self.days.load_seconds * self.head.speed)
        if self.head.speed == 0 or self.head.tape.seconds_left(self.head.k) <= lead:
            self.days.prefetch(upcoming.date)
            if self.head.speed:  # else the end of the day before has just asked
                self.loader.submit(self.ask_upkeep, self.session.pk)

    def _tell_prefetched(self) -> None:
        """Show on the row, once, that the next day is held too."""
        if not self.prefetch_told and self.days.ready():
            self.prefetch_told = True
            with connected():
                self.checkpoint.write(**self.days.held(self.head.tape))

    def _day_over(self) -> bool:
        """All frames of the day are out: on to the next, or False when that was the last of the window."""
        if self.head.standing:
            self._idle()
            return True
        self.loader.submit(self.ask_upkeep, self.session.pk)
        upcoming = self.recipe.after(self.head.tape.day.date)
        if not upcoming:
            self._end(State.COMPLETED)
            return False
        if not self.days.ready():
            with connected():
                self._save(force=True)
                self.session.record("rollover", f"waiting for {upcoming.date} to load")
        self.move = Move(self.days.take(upcoming.date))
        return True

    # --- moving -------------------------------------------------------------------------------------

    def _go(self, move: Move) -> None:
        """Wait for the day; once it is there, stand in it."""
        try:
            loaded = self.days.poll(move.loading)
        except MarketDataError as error:
            if move.to is None:
                raise
            self._give_up_seek(move.to, str(error))
            return
        if loaded is None:
            with self.pace.stage("store"):
                self._idle()
            return
        with connected():
            self.move = None
            if move.to is None:
                self._roll_over(loaded)
            else:
                self._arrive(loaded, move.to)

    def _roll_over(self, loaded: Loaded) -> None:
        """Let the finished day go and show the next."""
        self._show(loaded)
        previous = calendar.previous_trading_day(self.head.tape.day.date)
        self.output.trim_before(milliseconds(previous.open))
        self.checkpoint.mark_day(self.output, self.head.tape)

    def _seek(self, to: dt.datetime) -> None:
        date = calendar.session_date_of(to)
        if date == self.head.tape.day.date and not (self.head.tape.corrected or self.admission.loading):
            if self.move:  # else the rollover, or an older seek, would arrive after this one
                self.days.prefetched, self.move = self.move.loading, None
            self._arrive(Loaded(self.journal, self.head.tape), to)
            return
        self.session.record("seek", f"loading {date} to move to {rfc3339(milliseconds(to))}")
        self.move = Move(self.days.take(date, self.output.generation + 1), to)

    def _arrive(self, loaded: Loaded, to: dt.datetime) -> None:
        """A new generation of the stream, which begins at the clock asked for."""
        left, generation = self.output.end, self.output.generation + 1
        with transaction.atomic():
            payload = {"generation": generation, "to": to.isoformat(), "left": str(left or "")}
            journals.append(self.session.pk, Kind.SEEK, payload, epoch=self.lease.epoch)
            position = {"clock": to, "frame_id": "", "frame_count": 0, "chain": "", "generation": generation}
            self.checkpoint.write(**position, seek_to=None)
            self.session.refresh_from_db()
            told = f"moved to {rfc3339(milliseconds(to))} from {self.output.place}"
            self.session.record("seek", told, generation=generation, left_chain=self.output.chain.hex())
            transaction.on_commit(lambda: wakeup.announce(self.session.pk))
        self.output.new_generation(generation)
        self.days.generation = generation
        self._show(Loaded(journals.read(self.session.pk, loaded.tape.day.date), loaded.tape), to)

    def _give_up_seek(self, to: dt.datetime, reason: str) -> None:
        """Stay where we are, and say why."""
        self.move = None
        self.head.hold()
        with connected():
            self.checkpoint.write(seek_to=None)
            self.session.record("seek", f"not moved to {rfc3339(milliseconds(to))}: {reason}", level="error")

    # --- playing ------------------------------------------------------------------------------------

    def _play(self) -> None:
        while not self.let_go.is_set():
            self.lease.check()
            self.wake.clear()
            if self.asked:
                self.asked = False
                if self._obey():
                    return
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
                if last := self._in_step(self._due()):
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
        if not last or self.gate.free:
            return last
        room = self.gate.room(self.output.stream, self.output.generation)
        if room is None:
            return last
        if room > 0:
            return min(last, self.head.k + room)
        self.head.time.anchor(self.head.tape.instant(self.head.k))
        if self.output.prev and self.session.clock != moment(self.output.prev.ms):
            with connected():
                self._save()
        with self.pace.stage(f"lockstep reader {self.gate.waits_for}"):
            self.wake.wait(self.gate.wait)
        return 0

    def _tell_lockstep(self, told: str) -> None:
        with connected():
            self.session.record("lockstep", told, level="warning")

    def _emit(self, last: int) -> None:
        if self.output.prev is None:
            self.checkpoint.mark_day(self.output, self.head.tape)
        due = self.head.tape.instant(self.head.k)
        with self.pace.stage("merge"):
            frames, k = self.output.pack(self.head.tape, self.head.k, last, self.journal)
        try:
            with self.pace.stage("Redis"):
                held_up = bool(frames) and self.output.publish(frames, free=self.gate.free)
        except HeldBack:
            self.gate.free = False
            return
        self.head.k = k
        if not frames:
            return
        self.pace.told(frames, self.head.late(due))
        self.head.played(frames[-1].id.ms, held_up=held_up)
        with connected():
            self._save(force=self.head.standing)

    def _save(self, *, force: bool = False) -> None:
        with self.pace.stage("Postgres"):
            self.checkpoint.save(self.output, self.head.tape, self.head.k, force=force)

    def _idle(self) -> None:
        self.lease.check()
        self.wake.wait(LOOK_EVERY)
        self._rest(0)

    def _rest(self, seconds: float) -> None:
        if self.let_go.wait(seconds):
            raise LeaseLost("the worker is shutting down")

    def _tell_waiting(self, reason: str) -> None:
        with connected():
            self.checkpoint.write(reason=reason)
            self.session.record("waiting", reason, level="warning")

    # --- control ------------------------------------------------------------------------------------

    def _obey(self) -> bool:
        """Apply what the row asks for; True when the session ended by it."""
        with connected():
            self.session.refresh_from_db()
            row = self.session
            if row.epoch != self.lease.epoch:
                raise LeaseLost(f"epoch {row.epoch} is not {self.lease.epoch}")
            if row.stop_requested:
                self._end(State.STOPPED, reason=row.reason)
                return True
            self._pace(row)
            if row.seek_to and (self.move is None or self.move.to != row.seek_to):
                self._seek(row.seek_to)
            elif not self.move:
                clock = self.output.clock
                self.journal = self.members.obey(self.journal, self.head.tape.day.date, clock, self.output.generation)
                if not self.members.adding:
                    self.admission.obey(self.journal, self.head.tape, clock, self.output.generation)
        return False

    def _pace(self, row: Session) -> None:
        """Market time so far at the old pace, from here on at the new. One write says so: somebody may wait for it."""
        self.head.obey(row)
        target = State.PAUSED if row.paused else State.RUNNING
        if row.state != target:
            applied = {**self.checkpoint.position(self.output), "applied_version": row.control_version}
            self.checkpoint.move_to(target, f"{target} at {self.output.place}", **applied)
            self._save(force=True)
        elif row.applied_version != row.control_version:
            self.checkpoint.write(applied_version=row.control_version)

    def _moving(self) -> dict[str, float]:
        return {"generation": self.output.generation, **self.head.moving(still=self.move is not None)}

    def _added(self) -> bool:
        """Whether new symbols have come to the tape."""
        with connected():
            loaded = self.members.poll(self.output.clock, self.output.generation)
            if loaded:
                self._show_changed(loaded)
        return loaded is not None

    def _admit(self, loading: Loading) -> None:
        """Wait for the day with what was admitted; market time stands still until it is there."""
        loaded = self.days.poll(loading)
        if loaded is None:
            self._idle()
            return
        self.admission.loading = None
        with connected():
            self._show_changed(loaded)
        self.head.hold()
        self.ask()

    def _end(self, state: State, reason: str = "") -> None:
        """The last state, also of a session that never came to play."""
        with connected():
            if hasattr(self, "head"):
                self._save(force=True)
            ended = end_session(self.lease, state, reason)
            if ended is not None:
                self.bus.close_stream(ended.pk, ended.generation)
