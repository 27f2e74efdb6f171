"""Another session like this one: from its start (restart), or from where it is now (fork)."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from marketdata import calendar
from sessions.control import ControlError
from sessions.models import ActiveStream, JournalEntry, Session, StreamType
from streaming.engine import journal as journals


def restart(session_id: int, *, by: str = "") -> Session:
    """A new session from the same recipe, state `created`: open it with `service.open_streams` or `queue_start`."""
    return _copy(Session.objects.get(pk=session_id), by)


def fork(session_id: int, *, by: str = "") -> Session:
    """A new session at the same clock, on the same versions of that day; else like `restart`."""
    session = Session.objects.get(pk=session_id)
    if session.clock is None:
        raise ControlError(f"Session {session_id} has shown nothing yet: restart it instead.")
    last = calendar.trading_days(session.start_date, session.end_date)[-1]
    if session.clock >= last.close:
        raise ControlError(f"Session {session_id} is at the end of its window, {last.close:%Y-%m-%dT%H:%MZ}.")
    date = calendar.session_date_of(session.clock)
    with transaction.atomic():
        copy = _copy(session, by, start_at=session.clock, forked_from=session, paused=session.paused)
        journal = journals.read(session_id, date)
        ticks = {kind: journal.tick_pins(date, kind) for kind in session.types if kind != StreamType.BARS}
        pins = {"date": date.isoformat(), "days": journal.playing(session, date), **ticks}
        journals.append(copy.pk, JournalEntry.Kind.LOAD, pins)
        for since, days in journal.admitted(date, session.generation):
            if since is not None and since >= session.clock:
                later = {"date": date.isoformat(), "days": days, "generation": 0, "known": True}
                journals.append(copy.pk, JournalEntry.Kind.ADMIT, later, clock=since)
    return copy


def _copy(session: Session, by: str, **given: Any) -> Session:
    recipe = {name: getattr(session, name) for name in Session.RECIPE}
    with transaction.atomic():
        copy = Session.objects.create(**recipe, created_by=by, **given)
        ActiveStream.objects.bulk_create(
            ActiveStream(
                session=copy, instrument_id=row.instrument_id, stream_type=row.stream_type, active=False, wanted=True
            )
            for row in session.streams.filter(wanted=True)
        )
        copy.record("state", f"created like session {session.pk}" + (f" at {copy.start_at}" if copy.start_at else ""))
    return copy
