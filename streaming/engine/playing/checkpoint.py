"""What the lease's holder writes to Postgres: every write carries its epoch, so a stale one can harm nothing."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Mapping

from django.db import transaction

from marketdata.plurals import counted
from sessions.models import ENDED, Run, Session, State
from streaming.engine.frames.frame_id import moment
from streaming.engine.playing.pace import Pace
from streaming.engine.playing.progress import write_progress, write_progress_anew
from streaming.engine.publishing.publisher import Publisher
from streaming.engine.records.day_marks import DayBegun
from streaming.engine.records.fence import LeaseLost, fenced
from streaming.engine.records.lease import Lease
from streaming.engine.records.position_writer import Note, PositionWriter
from streaming.engine.tape.merge import Tape

PROGRESS_EVERY = 2.0


class Checkpoint:
    """Where the session stands, in its run."""

    def __init__(self, session: Session, lease: Lease, position_writer: PositionWriter) -> None:
        self.session, self.lease, self.position_writer = session, lease, position_writer
        self.progressed = 0.0
        self.pace = Pace()
        self.moving: Callable[[], dict[str, float]] = dict
        """Where market time stands between frames, and how it moves: part of every write."""
        self.held: Mapping[str, object] = {}
        """The days in memory, as `Days.held` has them: they are written with the position."""

    def write(self, **changes: object) -> None:
        """The run's fields. Raises LeaseLost where the session is another worker's."""
        self.position_writer.mark_days(self.session.pk)
        rows = Run.objects.filter(pk=self.session.pk, epoch=self.lease.epoch)
        if not rows.update(moving=self.moving(), **changes):
            raise LeaseLost(f"Session {self.session.pk} is no longer at epoch {self.lease.epoch}")

    def write_session(self, **changes: object) -> None:
        """Fields of the session's own row: a request that is done with, a reason. Raises LeaseLost."""
        with fenced(self.session.pk, self.lease.epoch):
            Session.objects.filter(pk=self.session.pk).update(**changes)

    def save(self, output: Publisher, tape: Tape, k: int, *, force: bool = False) -> None:
        """The last published frame, soon, with `force` at once; from time to time the streams' progress too."""
        if output.prev is None:
            return
        self.session.run.clock, wall = moment(output.prev.ms), time.monotonic()
        position, measured = self.position(output), self.pace.report()
        if force:
            self.write(**position, **measured)
        else:
            note = Note(self.lease.epoch, output.generation, position, self.moving(), measured, self.held)
            self.position_writer.leave(self.session.pk, note)
        if not (self.progressed or self.session.speed):
            self.progressed = wall  # at full speed there is more to say soon
        if force or wall - self.progressed > PROGRESS_EVERY:
            self.progressed = wall
            write_progress(self.session.pk, self.lease.epoch, tape, k)

    def moved(self, tape: Tape, k: int, **position: object) -> None:
        """The clock stands before frame k of a day by a seek: the position, and the streams' progress there."""
        self.write(**position)
        write_progress_anew(self.session.pk, self.lease.epoch, tape, k)

    @staticmethod
    def position(output: Publisher) -> dict[str, object]:
        """Where the output stands, as the row's fields; nothing before the first frame."""
        if output.prev is None:
            return {}
        place = {"clock": moment(output.prev.ms), "frame_id": output.prev.entry}
        return {**place, "chain": output.chain.hex(), "frame_count": output.count}

    def mark_day(self, output: Publisher, tape: Tape) -> None:
        """Note where the chain stood before the day, once: whoever re-derives the day starts from there."""
        date = tape.day.date
        self.position_writer.begin_day(
            DayBegun(
                self.session.pk,
                self.lease.epoch,
                output.generation,
                date,
                output.chain.hex(),
                str(output.prev) if output.prev else "",
                self.session.run.clock,
                f"{date}: {counted(tape.bar_count, 'bar')} of {counted(len(tape.symbols), 'symbol')}",
                json.dumps({"date": date.isoformat(), "generation": output.generation}),
            )
        )

    def move_to(self, state: State, message: str, **run: object) -> None:
        """A transition of the life cycle with the run's new values, and its event."""
        self.position_writer.mark_days(self.session.pk)
        self.session.move_to(state, epoch=self.lease.epoch, run=run)
        self.session.record("state", message)

    def acknowledge(self, tape: Tape, where: str, worker: str, **held: object) -> None:
        """Say that the day is loaded: a start waits for this, a takeover is an event."""
        if self.session.state == State.STARTING:
            target = State.PAUSED if self.session.paused else State.RUNNING
            message = f"{target}: {counted(tape.bar_count, 'bar')} of {tape.day.date} loaded"
            self.move_to(target, message, loaded_at=dt.datetime.now(dt.UTC), **held)
        else:
            self.write(**held)
            self.session.record("recovery", f"resumed by {worker} at {where}")


def end_session(lease: Lease, state: State, reason: str) -> Session | None:
    """The session in its last state; None when it has one already, or another holder."""
    row = Session.objects.with_run().get(pk=lease.session_id)
    if row.state in ENDED or row.run.epoch != lease.epoch:
        return None
    level = "error" if state == State.FAILED else "info"
    with transaction.atomic():
        row.move_to(state, epoch=lease.epoch, run={"days_held": [], "bars_held": 0}, reason=reason)
        row.streams.update(active=False)
        row.record("state", f"{state}{': ' + reason if reason else ''}", level=level)
    return row
