"""From day to day: rollover, seek, prefetch, and a day whose symbols or versions change while it is played."""

from __future__ import annotations

import datetime as dt
import time

from django.db import transaction

from marketdata.errors import MarketDataError
from sessions import wakeup
from sessions.market_time import shown
from streaming.base.db import connected
from streaming.engine.days.held_days import Loaded, Loading, Move
from streaming.engine.days.loading import PREFETCH_BEFORE_CLOSE
from streaming.engine.frames.frame_id import milliseconds, moment
from streaming.engine.playing.held_session import LOOK_EVERY, HeldSession
from streaming.engine.records import journal as journals
from streaming.engine.records import journal_writing
from streaming.engine.records.journal import Kind

WORTH_SAYING = 0.5
"""Seconds that a rollover takes until the session says what it waits for."""


class DayChanges(HeldSession):
    """Loading never blocks control: the day loads in the background, and market time stands still."""

    def _show(self, loaded: Loaded, at: dt.datetime | None = None) -> None:
        """Stand in another day, after a moment of it or before its first frame."""
        self.journal, self.prefetch_reported = self.journal.joined(loaded.journal), False
        self.head.put(loaded.tape, at)
        self.participant.show(loaded.tape, self.journal)
        # What was being added to the day before, or corrected in it, is asked for again, for this one.
        if self.members.adding or self.admission.loading or loaded.tape.day.date in self.admission.announced:
            self.members.adding = self.admission.loading = None
            self.asked = True
        self._clear_reason()
        self._report_held()

    def _show_changed(self, loaded: Loaded) -> None:
        """The same day with other content, from the frame after the last one on."""
        self.journal, self.prefetch_reported = loaded.journal, False
        clock = moment(self.output.prev.ms) if self.output.prev else self.session.run.clock
        self.head.change(loaded.tape, clock)
        self.participant.show(loaded.tape, self.journal)
        self._report_held()

    def _prefetch_if_due(self) -> None:
        """Ask for the window's next day: 30 minutes before the close, earlier where loading would be late."""
        upcoming = self.recipe.after(self.head.tape.day.date)
        if self.days.prefetched or self.members.adding or not upcoming:
            self._report_prefetched()
            return
        lead = max(PREFETCH_BEFORE_CLOSE.total_seconds(), 3 * self.days.load_seconds * self.head.speed)
        if self.head.speed == 0 or self.head.tape.seconds_left(self.head.k) <= lead:
            full_speed = self.head.speed == 0 and not self.head.paused
            self.days.prefetch(upcoming.date, self.journal if full_speed else None)
            if self.head.speed:  # else the end of the day before has just asked
                self.loader.submit(self.ask_upkeep, self.session.pk)

    def _report_prefetched(self) -> None:
        """Show on the row, once, that the next day is held too."""
        if not self.prefetch_reported and self.days.ready():
            self.prefetch_reported = True
            with connected():
                self._report_held()

    def _report_held(self) -> None:
        """At full speed with the next position, which comes soon."""
        self.checkpoint.held = self.days.held(self.head.tape)
        if self.head.speed or self.head.paused:
            self.checkpoint.write(**self.checkpoint.held)

    def _day_over(self) -> bool:
        """All frames of the day are out: on to the next, or False when that was the last of the window."""
        if self.head.standing and self.output.caught_up:
            self._idle()
            return True
        upcoming = self.recipe.after(self.head.tape.day.date)
        if self.head.night is None:
            self._ask_upkeep(last=upcoming is None)
        if not upcoming:
            with connected():
                self._pick_up()  # what was accepted until now is not left without an answer
            return not self._completed()
        if self.output.caught_up and self._is_night(upcoming.begin):
            return True
        self.move = Move(self.days.take(upcoming.date))
        return True

    def _ask_upkeep(self, *, last: bool) -> None:
        """After a day; where days last less than a second, not after each."""
        if last or time.monotonic() - self.upkeep_asked > LOOK_EVERY:
            self.upkeep_asked = time.monotonic()
            self.loader.submit(self.ask_upkeep, self.session.pk)

    def _is_night(self, morning: dt.datetime) -> bool:
        """Wait while the clock passes from the day's end to the next day's beginning."""
        first = self.head.night is None
        wait = self.head.in_night(morning, self.session.night_seconds)
        if wait <= 0:
            return False
        if first:
            with connected():
                self._save(force=True)
        self.wake.wait(min(wait, LOOK_EVERY))
        return True

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
                self._await_day(move)
            return
        with connected():
            self.move = None
            if move.to is None:
                self._roll_over(loaded)
            else:
                self._arrive(loaded, move.to)

    def _await_day(self, move: Move) -> None:
        self._idle()
        if move.to is None and not move.reported and time.monotonic() - move.since > WORTH_SAYING:
            move.reported = True
            with connected():
                self._save(force=True)
                self.session.record("rollover", f"waiting for {move.loading.date} to load")

    def _roll_over(self, loaded: Loaded) -> None:
        """Drop the finished day and show the next."""
        self._show(loaded)
        previous = self.recipe.calendar.previous_trading_day(self.head.tape.day.date)
        self.output.trim_before(milliseconds(previous.begin))
        self.checkpoint.mark_day(self.output, self.head.tape)

    def _seek(self, to: dt.datetime) -> None:
        date = self.recipe.calendar.session_date_of(to)
        if date == self.head.tape.day.date and not (self.head.tape.corrected or self.admission.loading):
            if self.move:  # else the rollover, or an older seek, would arrive after this one
                self.days.prefetched, self.move = self.move.loading, None
            self._arrive(Loaded(self.journal, self.head.tape), to)
            return
        self.session.record("seek", f"loading {date} to move to {shown(to, self.session)}")
        self.move = Move(self.days.take(date, self.output.generation + 1), to)

    def _arrive(self, loaded: Loaded, to: dt.datetime) -> None:
        """A new generation of the stream, which begins at the clock asked for."""
        left, generation = self.output.end, self.output.generation + 1
        with transaction.atomic():
            payload = {"generation": generation, "to": to.isoformat(), "left": str(left or "")}
            journal_writing.append(self.session.pk, Kind.SEEK, payload, epoch=self.lease.epoch)
            position = {"clock": to, "frame_id": "", "frame_count": 0, "chain": "", "generation": generation}
            self.checkpoint.moved(loaded.tape, loaded.tape.first_after(milliseconds(to)), **position)
            self.checkpoint.write_session(seek_to=None)
            self.session.refresh_from_db()
            self.stage.generation, self.stage.published_ms = generation, milliseconds(to)
            self.participant.moved(to)
            message = f"moved to {shown(to, self.session)} from {self.output.place}"
            self.session.record("seek", message, generation=generation, left_chain=self.output.chain.hex())
            transaction.on_commit(lambda: wakeup.announce(self.session.pk))
        self.output.new_generation(generation)
        self.days.generation = generation
        self._show(Loaded(journals.read(self.session.pk, loaded.tape.day.date), loaded.tape), to)

    def _give_up_seek(self, to: dt.datetime, reason: str) -> None:
        """Stay where we are, and say why."""
        self.move = None
        self.head.hold()
        with connected():
            self.checkpoint.write_session(seek_to=None)
            self.session.record("seek", f"not moved to {shown(to, self.session)}: {reason}", level="error")

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
