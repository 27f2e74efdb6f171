"""What the lease's holder tells Postgres: every write carries its epoch, so a stale one can harm nothing."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

from django.db import transaction

from sessions.models import ENDED, Session, State
from streaming.db import connected
from streaming.engine.frames import moment
from streaming.engine.journal import LeaseLost
from streaming.engine.lease import Lease
from streaming.engine.pace import Pace
from streaming.engine.progress import write_progress
from streaming.engine.publisher import Publisher
from streaming.engine.scribe import Note, Scribe
from streaming.engine.tape import Tape

PROGRESS_EVERY = 2.0


class Checkpoint:
    """Where the session stands, on its row."""

    def __init__(self, session: Session, lease: Lease, scribe: Scribe) -> None:
        self.session, self.lease, self.scribe = session, lease, scribe
        self.progressed = 0.0
        self.pace = Pace()
        self.moving: Callable[[], dict[str, float]] = dict
        """Where market time stands between frames, and how it moves: told with every write."""

    def write(self, **changes: object) -> None:
        """Raises LeaseLost where the session is somebody else's."""
        rows = Session.objects.filter(pk=self.session.pk, epoch=self.lease.epoch)
        if not rows.update(moving=self.moving(), **changes):
            raise LeaseLost(f"Session {self.session.pk} is no longer at epoch {self.lease.epoch}")

    def save(self, output: Publisher, tape: Tape, k: int, *, force: bool = False) -> None:
        """The last published frame, soon, with `force` at once; from time to time the streams' progress too."""
        if output.prev is None:
            return
        self.session.clock, wall = moment(output.prev.ms), time.monotonic()
        position, measured = self.position(output), self.pace.report()
        if force:
            self.write(**position, **measured)
        else:
            note = Note(self.lease.epoch, output.generation, position, self.moving(), measured)
            self.scribe.leave(self.session.pk, note)
        if force or wall - self.progressed > PROGRESS_EVERY:
            self.progressed = wall
            write_progress(self.session.pk, self.lease.epoch, tape, k)

    @staticmethod
    def position(output: Publisher) -> dict[str, object]:
        """Where the output stands, as the row's fields; nothing before the first frame."""
        if output.prev is None:
            return {}
        place = {"clock": moment(output.prev.ms), "frame_id": output.prev.entry}
        return {**place, "chain": output.chain.hex(), "frame_count": output.count}

    def mark_day(self, output: Publisher, tape: Tape) -> None:
        """Note where the chain stood before the day: whoever re-derives the day starts from there."""
        with connected():
            self.session.record(
                "day_open",
                f"{tape.day.date}: {tape.bar_count} bars of {len(tape.symbols)} symbols",
                date=tape.day.date.isoformat(),
                generation=output.generation,
                chain=output.chain.hex(),
                prev=str(output.prev) if output.prev else "",
            )

    def move_to(self, state: State, told: str, **changes: object) -> None:
        """A transition of the life cycle, and the event that tells of it."""
        self.session.move_to(state, epoch=self.lease.epoch, **changes)
        self.session.record("state", told)

    def acknowledge(self, tape: Tape, where: str, worker: str, **held: object) -> None:
        """Say that the day is loaded: a start waits for this, a takeover is an event."""
        if self.session.state == State.STARTING:
            target = State.PAUSED if self.session.paused else State.RUNNING
            told = f"{target}: {tape.bar_count} bars of {tape.day.date} loaded"
            self.move_to(target, told, loaded_at=dt.datetime.now(dt.UTC), **held)
        else:
            self.write(**held)
            self.session.record("recovery", f"taken up by {worker} at {where}")


def end_session(lease: Lease, state: State, reason: str) -> Session | None:
    """The session in its last state; None when it has one already, or another holder."""
    row = Session.objects.get(pk=lease.session_id)
    if row.state in ENDED or row.epoch != lease.epoch:
        return None
    level = "error" if state == State.FAILED else "info"
    with transaction.atomic():
        row.move_to(state, epoch=lease.epoch, reason=reason, days_held=[], bars_held=0)
        row.streams.update(active=False)
        row.record("state", f"{state}{': ' + reason if reason else ''}", level=level)
    return row
