"""Another session like this one: from its start (restart), or from where it is now or has been (fork)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.dispatch import Signal

from marketdata.kinds import outside
from sessions.control import ControlError, within_window
from sessions.market_time import shown
from sessions.models import ActiveStream, JournalEntry, Session, StreamType
from streaming.base import joining
from streaming.engine.records import journal as journals
from streaming.engine.records import journal_writing

copied = Signal()
"""A session was made like another: `source`, `copy`, and whether it is a `fork`. Within the transaction."""


def restart(session_id: int, *, by: str = "") -> Session:
    """A new session from the same recipe, state `created`: open it with `service.open_streams` or `queue_start`."""
    joining.join_all()
    session = Session.objects.with_run().get(pk=session_id)
    with transaction.atomic():
        copy = _copy(session, by)
        copied.send(Session, source=session, copy=copy, fork=False)
    return copy


def fork(session_id: int, at: dt.datetime | None = None, *, by: str = "") -> Session:
    """A new session at the same clock, or an earlier one, on the same versions of that day; else like `restart`.

    What has ended stands at that clock, so that a run that is over can be gone back into.
    """
    joining.join_all()
    session = Session.objects.with_run().get(pk=session_id)
    begins = _begins(session, at)
    date = session.calendar.session_date_of(begins)
    with transaction.atomic():
        paused = session.paused or not session.is_live
        copy = _copy(session, by, start_at=begins, forked_from=session, paused=paused)
        copied.send(Session, source=session, copy=copy, fork=True)
        journal = journals.read(session_id, date)
        ticks = {kind: journal.pins(date, kind) for kind in session.types if kind != StreamType.BARS}
        extended = {outside(kind): journal.pins(date, outside(kind)) for kind in session.types}
        bars = journal.in_effect(date, session.run.generation, begins)
        pins = {StreamType.BARS: bars, **ticks, **extended}
        journal_writing.append_loads(copy.pk, {date: pins})
        for since, days in journal.admitted(date, session.run.generation):
            if since is not None and since >= begins:
                later = {"date": date.isoformat(), "generation": 0, "known": True}
                journal_writing.append(
                    copy.pk, JournalEntry.Kind.ADMIT, later, clock=since, pins={StreamType.BARS: days}
                )
    return copy


def _begins(session: Session, at: dt.datetime | None) -> dt.datetime:
    """The clock of a fork. Raises ControlError for one that the session has not come to."""
    clock = session.run.clock
    if clock is None:
        raise ControlError(f"Session {session.pk} has shown nothing yet: restart it instead.")
    last = session.calendar.trading_days(session.start_date, session.end_date)[-1]
    if at is None:
        if clock >= last.end:
            raise ControlError(
                f"Session {session.pk} is at the end of its window, {shown(last.end, session)}: "
                "say at which earlier time its fork is to begin, or restart it."
            )
        return clock
    begins = within_window(session, at)
    if begins > clock or begins >= last.end:
        raise ControlError(
            f"Session {session.pk} is at {shown(clock, session)}, and not at {shown(begins, session)} or later: "
            "a fork begins where it is or earlier, with some of the window left."
        )
    return begins


def _copy(session: Session, by: str, **given: Any) -> Session:
    recipe = {name: getattr(session, name) for name in Session.RECIPE}
    with transaction.atomic():
        copy = Session.objects.create(**recipe, created_by=by, **given)
        ActiveStream.objects.bulk_create(
            ActiveStream(
                session=copy, instrument_id=row.instrument_id, stream_type=row.stream_type, active=False, requested=True
            )
            for row in session.streams.filter(requested=True)
        )
        at = f" at {shown(copy.start_at, copy)}" if copy.start_at else ""
        copy.record("state", f"created like session {session.pk}{at}")
    return copy
