"""The coordinator: plays one session under its lease - paces, obeys control, moves the clock."""

from __future__ import annotations

import datetime as dt
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future

import redis
from django.conf import settings
from django.db import InterfaceError, OperationalError

from marketdata import calendar
from marketdata.errors import MarketDataError, ProviderFailed
from sessions.models import ENDED, Session, State, TransitionError
from streaming import journal as journals
from streaming import lease as leases
from streaming.bus import Bus, FenceMissing, Packed
from streaming.clock import TimeProvider
from streaming.db import connected
from streaming.frames import NO_CHAIN, FrameId, link, moment
from streaming.journal import Journal, LeaseLost
from streaming.lease import Lease
from streaming.loading import PREFETCH_BEFORE_CLOSE, Recipe, pin, tape_of
from streaming.progress import write_progress
from streaming.tape import Tape

log = logging.getLogger(__name__)

BATCH_FRAMES, BATCH_BYTES = 128, 4 << 20
CHECKPOINT_EVERY, PROGRESS_EVERY = 0.2, 2.0
RETRIES, RETRY_WAIT = 5, 2.0


class Coordinator:
    """One run of one session by one worker. `run` returns when the session ended or was let go."""

    def __init__(self, lease: Lease, bus: Bus, loader: Executor, ask_upkeep: Callable[[int], None]) -> None:
        self.lease, self.bus, self.loader, self.ask_upkeep = lease, bus, loader, ask_upkeep
        self.wake, self.let_go = threading.Event(), threading.Event()
        self.prefetched: Future[tuple[Journal, Tape]] | None = None
        self.load_seconds = 0.5
        self.checkpointed = self.progressed = 0.0
        self.kept: deque[tuple[FrameId, int]] = deque()
        self.kept_bytes = 0

    def run(self) -> None:
        try:
            self._open()
            self._play()
        except (LeaseLost, TransitionError, redis.RedisError) as error:
            log.warning("Session %s let go: %s", self.lease.session_id, error)
        except MarketDataError as error:
            self._end(State.FAILED, reason=str(error))
        finally:
            self._leave(sys.exc_info()[1])

    def _leave(self, error: BaseException | None) -> None:
        """Let the lease go. A defect fails the session, visibly: taken up again, it would only fail again.

        Postgres being away is none: the session is then taken up where it was.
        """
        if error is not None and not isinstance(error, OperationalError | InterfaceError):
            self._end(State.FAILED, reason=f"internal error ({error!r}): see the replay worker's log")
        with connected():
            leases.release(self.lease)

    # --- opening ------------------------------------------------------------------------------------

    def _open(self) -> None:
        with connected():
            self.session = Session.objects.select_related("dataset").get(pk=self.lease.session_id)
            self.recipe = Recipe.of(self.session)
            self.journal = journals.read(self.session.pk)
            self.bus.raise_fence(self.session.pk, self.lease.epoch)
            self._take_position()
            self._acknowledge()

    def _take_position(self) -> None:
        """Where the last checkpoint left off; frames after it are emitted again under the same ids."""
        row, generation = self.session, self.session.generation
        self.prev = FrameId.parse(f"{generation}.{row.frame_id}") if row.frame_id else None
        self.chain = bytes.fromhex(row.chain) if row.chain else NO_CHAIN
        self.count, self.speed = row.frame_count, row.speed
        self.paused = True
        self.run_until: dt.datetime | None = None
        begins = self.journal.begins(generation)
        at = moment(self.prev.ms) if self.prev else begins
        date = calendar.session_date_of(at) if at else self.recipe.window[0].date
        self._show(self._load_patiently(date))
        self.k = self.tape.first_after(round(at.timestamp() * 1000)) if at else 0
        self.time = TimeProvider(at.timestamp() * 1000 if at else self.tape.open_ms, row.speed)

    def _acknowledge(self) -> None:
        """Say that the day is loaded: a start waits for this, a takeover is an event."""
        if self.session.state == State.STARTING:
            target = State.PAUSED if self.session.paused else State.RUNNING
            now = dt.datetime.now(dt.UTC)
            self.session.move_to(target, epoch=self.lease.epoch, loaded_at=now, **self._held())
            self.session.record("state", f"{target}: {self.tape.bar_count} bars of {self.tape.day.date} loaded")
        else:
            self._write(**self._held())
            self.session.record("recovery", f"taken up by {leases.worker_name()} at {self._where()}")

    def _where(self) -> str:
        return str(self.prev) if self.prev else "the start"

    # --- days ---------------------------------------------------------------------------------------

    def _load(self, date: dt.date) -> tuple[Journal, Tape]:
        started = time.monotonic()
        with connected():
            journal = journals.read(self.session.pk)
            symbols = journal.active(self.session.generation, dt.datetime.max.replace(tzinfo=dt.UTC))
            journal = pin(self.recipe, date, symbols, self.lease.epoch)
            tape = tape_of(self.recipe, journal, date)
        self.load_seconds = time.monotonic() - started
        return journal, tape

    def _load_patiently(self, date: dt.date) -> tuple[Journal, Tape]:
        """Market time stands still while a provider fails; after the last try so does the session."""
        for attempt in range(1, RETRIES + 1):
            try:
                return self._load(date)
            except ProviderFailed as error:
                if attempt == RETRIES:
                    raise
                with connected():
                    self._write(reason=str(error))
                    self.session.record("waiting", f"{date}: {error} (try {attempt})", level="warning")
                self._rest(RETRY_WAIT * attempt)
        raise AssertionError("unreachable")

    def _show(self, loaded: tuple[Journal, Tape]) -> None:
        self.journal, self.tape = loaded
        self.prefetched, self.prefetch_told = None, False

    def _prefetch_if_due(self) -> None:
        """Ask for the window's next day: 30 minutes before the close, earlier where loading would be late."""
        upcoming = self.recipe.after(self.tape.day.date)
        if self.prefetched or not upcoming:
            self._tell_prefetched()
            return
        lead = max(PREFETCH_BEFORE_CLOSE.total_seconds(), 3 * self.load_seconds * self.speed)
        left = self.tape.seconds_left(self.k)
        if self.speed == 0 or left <= lead:
            self.prefetched = self.loader.submit(self._load, upcoming.date)
            self.ask_upkeep(self.session.pk)

    def _tell_prefetched(self) -> None:
        """Show on the row, once, that the next day is held too."""
        if self.prefetched and self.prefetched.done() and not self.prefetch_told:
            self.prefetch_told = True
            with connected():
                self._write(**self._held())

    def _roll_over(self) -> bool:
        """Let the finished day go and show the next; False when the window is over."""
        upcoming = self.recipe.after(self.tape.day.date)
        if not upcoming:
            return False
        waiting, self.prefetched = self.prefetched, None
        if waiting is None or not waiting.done():
            with connected():
                self.session.record("rollover", f"waiting for {upcoming.date} to load")
        try:
            loaded = waiting.result() if waiting else self._load_patiently(upcoming.date)
        except ProviderFailed:
            loaded = self._load_patiently(upcoming.date)
        self._show(loaded)
        self.k = 0
        self.time.anchor(self.tape.open_ms)
        with connected():
            self._write(**self._held())
        if self.prev:
            self.bus.trim(self.session.pk, FrameId(self.prev.generation, self._kept_from(), 0))
        return True

    def _kept_from(self) -> int:
        """The stream keeps two session days: the one just finished and the one that begins."""
        previous = calendar.previous_trading_day(self.tape.day.date)
        return round(previous.open.timestamp() * 1000)

    def _held(self) -> dict[str, object]:
        """The current day and at most the prefetched next one."""
        tapes = [self.tape]
        upcoming = self.prefetched
        if upcoming and upcoming.done() and not upcoming.cancelled() and not upcoming.exception():
            tapes.append(upcoming.result()[1])
        return {"days_held": [t.day.date for t in tapes], "bars_held": sum(t.bar_count for t in tapes)}

    # --- playing ------------------------------------------------------------------------------------

    def _play(self) -> None:
        self.version = self.session.applied_version
        self._obey()
        while not self.let_go.is_set():
            if self.wake.is_set():
                self.wake.clear()
                if self._obey():
                    return
            if self.k >= len(self.tape):
                self._day_over()
                if not self._roll_over():
                    self._end(State.COMPLETED)
                    return
                self._mark_day()
            self._prefetch_if_due()
            if self._due():
                self._emit()
        with connected():
            self._checkpoint(force=True)

    def _due(self) -> bool:
        """Wait for the next frame's instant; False when something else came first."""
        self.lease.check()
        ms = self.tape.instant(self.k)
        if self.paused and not (self.run_until and moment(ms) <= self.run_until):
            self.wake.wait(1.0)
            return False
        wait = 0.0 if self.paused else self.time.seconds_until(ms)
        return wait <= 0 or (not self.wake.wait(min(wait, 1.0)) and wait <= 1.0)

    def _emit(self) -> None:
        if self.prev is None:
            self._mark_day()
        frames, self.k = self._pack()
        if not frames:
            return
        held_up = self._append(frames)
        self._bound_stream(frames)
        self.prev, self.chain = frames[-1].id, frames[-1].chain
        self.count += len(frames)
        if held_up or self.speed == 0 or self.paused:
            self.time.anchor(self.prev.ms)
        with connected():
            self._checkpoint()

    def _pack(self) -> tuple[list[Packed], int]:
        """The next frame, or at speed 0 the next few of this day, and the instant to go on with.

        No frame where the active symbols have nothing to tell at this instant.
        """
        frames: list[Packed] = []
        prev, chain, size = self.prev, self.chain, 0
        most = BATCH_FRAMES if self.speed == 0 and not self.paused else 1
        after = min(self.k + most, len(self.tape))
        for k in range(self.k, after):
            frame_id = self.tape.frame_id(k, self.session.generation)
            active = self.journal.active(frame_id.generation, moment(frame_id.ms))
            body = self.tape.body(k, prev, active)
            if not body:
                continue
            chain = link(chain, frame_id, body)
            frames.append(Packed(frame_id, body, chain))
            prev, size = frame_id, size + len(body)
            if size > BATCH_BYTES:
                return frames, k + 1
        return frames, after

    def _append(self, frames: list[Packed]) -> bool:
        """Publish; True when Redis kept us waiting, so that market time stood still."""
        held_up = False
        while True:
            self.lease.check()
            try:
                self.bus.append(self.session.pk, self.lease.epoch, frames)
                return held_up
            except FenceMissing:
                self._set_fence_again()
            except (redis.ConnectionError, redis.TimeoutError) as error:
                log.warning("Session %s waits for Redis: %s", self.session.pk, error)
                self._rest(0.25)
            held_up = True

    def _bound_stream(self, frames: list[Packed]) -> None:
        """Let the oldest frames go where the stream holds more bytes than it may."""
        self.kept.extend((frame.id, len(frame.body)) for frame in frames)
        self.kept_bytes += sum(len(frame.body) for frame in frames)
        if self.kept_bytes <= settings.STREAM_MAX_BYTES:
            return
        while self.kept_bytes > settings.STREAM_MAX_BYTES and len(self.kept) > 1:
            self.kept_bytes -= self.kept.popleft()[1]
        self.bus.trim(self.session.pk, self.kept[0][0])

    def _set_fence_again(self) -> None:
        with connected():
            leases.renew([self.lease])
            self.lease.check()
            self.bus.raise_fence(self.session.pk, self.lease.epoch)
            self.session.record("redis", "Redis lost the stream: going on where it was", level="warning")

    def _rest(self, seconds: float) -> None:
        if self.let_go.wait(seconds):
            raise LeaseLost("the worker is shutting down")

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
            self._anchor(row)
            self.paused, self.speed, self.run_until = row.paused, row.speed, row.run_until
            self._follow_pause(row)
            if row.applied_version != row.control_version:
                self._write(applied_version=row.control_version)
        return False

    def _anchor(self, row: Session) -> None:
        """Market time so far at the old pace, from here on at the new; never past the next frame."""
        upcoming = self.tape.instant(min(self.k, len(self.tape) - 1))
        now = self.time.market_ms if self.paused else min(self.time.now(), upcoming)
        self.time.anchor(now, row.speed)

    def _follow_pause(self, row: Session) -> None:
        target = State.PAUSED if row.paused else State.RUNNING
        if row.state == target:
            return
        self._checkpoint(force=True)
        row.move_to(target, epoch=self.lease.epoch)
        row.record("state", f"{target} at {self._where()}")

    # --- what Postgres is told ----------------------------------------------------------------------

    def _write(self, **changes: object) -> None:
        rows = Session.objects.filter(pk=self.session.pk, epoch=self.lease.epoch)
        if not rows.update(**changes):
            raise LeaseLost(f"Session {self.session.pk} is no longer at epoch {self.lease.epoch}")

    def _checkpoint(self, *, force: bool = False) -> None:
        wall = time.monotonic()
        if self.prev is None or (not force and wall - self.checkpointed < CHECKPOINT_EVERY):
            return
        self._write(
            clock=moment(self.prev.ms),
            frame_id=self.prev.entry,
            frame_count=self.count,
            chain=self.chain.hex(),
        )
        self.session.clock, self.checkpointed = moment(self.prev.ms), wall
        if force or wall - self.progressed > PROGRESS_EVERY:
            self.progressed = wall
            self._write(**self._held())
            write_progress(self.session.pk, self.lease.epoch, self.tape, self.k)

    def _mark_day(self) -> None:
        """Note where the chain stood before the day: whoever re-derives the day starts from there."""
        with connected():
            self.session.record(
                "day_open",
                f"{self.tape.day.date}: {self.tape.bar_count} bars of {len(self.tape.symbols)} symbols",
                date=self.tape.day.date.isoformat(),
                generation=self.session.generation,
                chain=self.chain.hex(),
                prev=str(self.prev) if self.prev else "",
            )

    def _day_over(self) -> None:
        with connected():
            self._checkpoint(force=True)
        self.ask_upkeep(self.session.pk)

    def _end(self, state: State, reason: str = "") -> None:
        with connected():
            if hasattr(self, "tape") and self.prev:
                self._checkpoint(force=True)
            row = Session.objects.get(pk=self.lease.session_id)
            if row.state in ENDED or row.epoch != self.lease.epoch:
                return
            row.move_to(state, epoch=self.lease.epoch, reason=reason, days_held=[], bars_held=0)
            row.streams.update(active=False)
            level = "error" if state == State.FAILED else "info"
            row.record("state", f"{state}{': ' + reason if reason else ''}", level=level)
            self.bus.close_stream(row.pk, row.generation)
