"""What people may ask of a running session: each verb records an intent and wakes the worker.

Intents are state, not messages: they are on the session's row with a new `control_version`; the lease holder
acts on them and writes the version that it applied. Losing the wake-up loses nothing. Of two people pressing
at once one wins and the other gets the reason: each verb looks at the row under its lock.
"""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from django.conf import settings
from django.db import transaction
from django.db.models import F

from marketdata import calendar
from marketdata.symbols import require_symbols
from sessions import wakeup
from sessions.announcing import announce
from sessions.market_time import shown
from sessions.models import (
    LIVE,
    ActiveStream,
    Announcement,
    Session,
    State,
    StreamType,
    TransitionError,
    locked_session,
)

MOST_MINUTES = 100_000
SLOWEST, FASTEST = 0.001, 1_000_000.0
"""Market seconds per second. A trading day then takes from nine months to 23 milliseconds."""
INTENTS = ("paused", "stop_requested", "speed", "run_until", "seek_to", "control_version")


MINUTES = "%Y-%m-%d %H:%M"
PASSIVE = {
    "pause": "be paused",
    "resume": "be resumed",
    "stop": "be stopped",
    "speed": "change its speed",
    "step": "be stepped",
    "seek": "be moved",
    "add": "take more symbols",
    "remove": "drop symbols",
}
"""A control's first word, in a refusal."""


class ControlError(Exception):
    """A control that this session cannot take now; the text is for the person who asked."""


def pause(session_id: int, *, by: str = "") -> Session:
    with _asking(session_id, "pause", by, State.PAUSED) as session:
        stepping = session.run_until and (session.run.clock is None or session.run.clock < session.run_until)
        if session.paused and not stepping:
            raise _changes_nothing(session, "pause")
        session.paused, session.run_until = True, None
    return session


def resume(session_id: int, *, by: str = "") -> Session:
    with _asking(session_id, "resume", by, State.RUNNING) as session:
        if not session.paused:
            raise _changes_nothing(session, "resume")
        session.paused, session.run_until = False, None
    return session


def stop(session_id: int, *, by: str = "") -> Session:
    """Ask for the end. A session that no worker has taken yet ends at once."""
    with _asking(session_id, "stop", by, State.STOPPED) as session:
        session.stop_requested = True
    if session.state == State.CREATED:
        session.move_to(State.STOPPED, reason=f"stopped{_by(by)} before it started")
        session.streams.update(active=False)
    return session


def set_speed(session_id: int, speed: float, *, by: str = "") -> Session:
    """Market seconds per wall second; 0 is as fast as possible."""
    check_speed(speed)
    with _asking(session_id, f"speed {speed:g}", by) as session:
        session.speed = speed
    return session


def step(session_id: int, minutes: int = 1, *, by: str = "") -> Session:
    """Let a paused session run that many minutes of its days, over nights and holidays if need be."""
    if not 1 <= minutes <= MOST_MINUTES:
        raise ControlError(f"A step of {minutes} minutes is not possible: give 1 to {MOST_MINUTES}.")
    with _asking(session_id, f"step {minutes}", by) as session:
        if not session.paused:
            raise ControlError(f"Session {session.pk} is {session.state}: pause it first, then step.")
        if session.seek_to:
            to = shown(session.seek_to, session)
            raise ControlError(f"Session {session.pk} is being moved to {to}: step once it is there.")
        days = session.calendar.trading_days(session.start_date, session.end_date)
        here = session.run.clock or session.start_at or days[0].begin
        session.run_until = calendar.minutes_after(days, max(here, session.run_until or here), minutes)
    return session


def seek(session_id: int, when: dt.datetime, *, by: str = "") -> Session:
    """Move the clock forward or back within the window; a moment between two days is where the next begins."""
    with _asking(session_id, "seek", by, to=when) as session:
        if session.state not in (State.RUNNING, State.PAUSED):
            raise ControlError(f"Session {session.pk} is {session.state}: it can be moved once it runs.")
        if session.seek_to:
            raise ControlError(f"Session {session.pk} is being moved to {shown(session.seek_to, session)} already.")
        session.seek_to, session.run_until = within_window(session, when), None
    return session


def add_symbols(session_id: int, symbols: Sequence[str], *, by: str = "") -> Session:
    """Have more symbols played, caught up silently to the clock. Those that are active already stay as they are."""
    from marketdata import store

    names = _names(symbols)
    with _asking(session_id, f"add {', '.join(names)}", by) as session:
        active = session.streams.filter(requested=True).values_list("instrument__symbol", flat=True).distinct()
        require_room(active.count(), set(names) - set(active))
        _require_calendar(session, names)
        _require_data(session, names)
        types = session.streams.values_list("stream_type", flat=True).distinct().order_by()
        ids = store.ensure_instruments(names)
        for stream_type in list(types) or [StreamType.BARS]:
            ActiveStream.objects.bulk_create(
                (
                    ActiveStream(session=session, instrument_id=ids[name], stream_type=stream_type, active=False)
                    for name in names
                ),
                ignore_conflicts=True,
            )
        session.streams.filter(instrument__symbol__in=names).update(requested=True)
    return session


def remove_symbols(session_id: int, symbols: Sequence[str], *, by: str = "") -> Session:
    """Stop playing symbols; at least one stays."""
    names = _names(symbols)
    with _asking(session_id, f"remove {', '.join(names)}", by) as session:
        rows = session.streams.filter(requested=True)
        there = set(rows.values_list("instrument__symbol", flat=True))
        if unknown := sorted(set(names) - there):
            raise ControlError(f"Session {session.pk} has no {', '.join(unknown)}: it has {_some(there)}.")
        if there <= set(names):
            raise ControlError(f"Session {session.pk} needs a symbol: stop it instead of removing the last.")
        rows.filter(instrument__symbol__in=names).update(requested=False)
    return session


def day_ready(session_id: int, date: dt.date, days: Mapping[str, Mapping[str, int]]) -> None:
    """Newer versions of days that the session plays are in the store: symbol → {"id", "version"}."""
    versions = ", ".join(f"{symbol} version {day['version']}" for symbol, day in sorted(days.items()))
    with transaction.atomic():
        rows = Session.objects.filter(pk=session_id, state__in=LIVE, stop_requested=False)
        if rows.update(control_version=F("control_version") + 1):
            session = Session.objects.get(pk=session_id)
            subjects = {symbol: day["id"] for symbol, day in days.items()}
            message = f"{date}: {versions} in the store"
            announce(session, Announcement.Kind.DAY_READY, date, message, {"days": dict(days)}, subjects)
            transaction.on_commit(lambda: wakeup.send(session_id))


def require_room(count: int, names: Collection[str]) -> None:
    """Before anything is written: rows of symbols slow every list down. Raises ControlError."""
    most = settings.SESSION_SYMBOLS
    if count + len(names) > most:
        there = f" beside the {count:,} that it has" if count else ""
        raise ControlError(
            f"{len(names):,} symbols{there} are too many for one session: {most:,} at most (SESSION_SYMBOLS)."
        )


def check_speed(speed: float) -> None:
    """Raises ControlError."""
    if speed != 0 and not SLOWEST <= speed <= FASTEST:
        raise ControlError(
            f"Speed {speed} is not possible: give 0 (as fast as possible) or a positive number, "
            f"{SLOWEST:g} to {FASTEST:,.0f}."
        )


@contextmanager
def _asking(
    session_id: int, verb: str, by: str, target: State | None = None, to: dt.datetime | None = None
) -> Iterator[Session]:
    """The session's row under its lock, to be changed; then the new version, an event and the wake-up.

    `target`: the state that is asked for; `to`: the moment.
    """
    with transaction.atomic():
        session = locked_session(session_id)
        if not session.is_live:
            if target is not None:
                raise TransitionError(session, target)
            there = "fork it at that time to go on from there, or " if verb.startswith("seek") else ""
            may = f"only a live session can {PASSIVE[verb.split()[0]]}: {there}restart it to play it again"
            raise ControlError(f"Session {session.pk} is {session.state}, and {may}.")
        if session.stop_requested:
            raise ControlError(f"Session {session.pk} is being stopped: it cannot {PASSIVE[verb.split()[0]]} any more.")
        yield session
        session.control_version += 1
        session.save(update_fields=INTENTS)
        asked = f"{verb} {shown(to, session)}" if to else verb
        session.record("control", f"{asked}{_by(by)}", by=by)
        transaction.on_commit(lambda: wakeup.send(session_id))


def _changes_nothing(session: Session, verb: str) -> ControlError:
    state = State.PAUSED if session.paused else session.state
    if state == State.PAUSED and not session.paused:
        state = State.RUNNING  # on its way there
    return ControlError(f"Session {session.pk} is {state}: {verb} changes nothing.")


def within_window(session: Session, when: dt.datetime) -> dt.datetime:
    """The moment, or where the next day begins. Raises ControlError for one that lies outside."""
    days = session.calendar.trading_days(session.start_date, session.end_date)
    if not days[0].begin <= when <= days[-1].end:
        raise ControlError(
            f"{shown(when, session)} is outside session {session.pk}: its window is "
            f"{shown(days[0].begin, session, MINUTES)} to {shown(days[-1].end, session, MINUTES)}."
        )
    day = next(day for day in days if when <= day.end)
    return max(when, day.begin)


def _require_calendar(session: Session, names: Sequence[str]) -> None:
    """A session's symbols share one calendar; its own are of it already."""
    from marketdata.store import DifferentCalendars, exchange_of

    try:
        exchange = exchange_of(names)
    except DifferentCalendars as error:
        raise ControlError(str(error)) from None
    if exchange != session.exchange:
        symbols = ", ".join(names)
        raise ControlError(f"Session {session.pk} is of the calendar {session.exchange}, and {symbols} of {exchange}.")


def _require_data(session: Session, names: Sequence[str]) -> None:
    """Say at once what no provider could fix later."""
    from marketdata import store

    if session.provider or StreamType.BARS not in session.types:
        return
    date = session.calendar.session_date_of(session.run.clock) if session.run.clock else session.first_date
    without = sorted(set(names) - store.have(session.dataset_id, date, names))
    if without:
        raise ControlError(f"Dataset {session.dataset} has no bars of {', '.join(without)} on {date}.")


def _names(symbols: Sequence[str]) -> list[str]:
    from marketdata import store

    names = store.spelled(symbols)
    if not names:
        raise ControlError("No symbol was given: name at least one, e.g. AAPL.")
    require_symbols(names)
    return names


def _some(symbols: set[str]) -> str:
    shown = sorted(symbols)[:10]
    return ", ".join(shown) + (", …" if len(symbols) > len(shown) else "")


def _by(by: str) -> str:
    return f" by {by}" if by else ""
