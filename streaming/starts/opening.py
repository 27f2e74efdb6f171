"""From a created session to one that a worker has loaded: its streams are opened, one caller at a time.

Whoever opens a session holds an advisory lock of Postgres, which ends with its process: so a start that takes long is
distinguished from one whose process is gone.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models.functions import Now

from marketdata import store
from marketdata.errors import MarketDataError
from marketdata.kinds import DayKind
from marketdata.locks import Locks, alone, drop_if_busy
from marketdata.store import find_days
from sessions.models import ActiveStream, JournalEntry, Session, State, StreamType, TransitionError
from sessions.postgres_faults import fault
from streaming.base import queues
from streaming.base.db import is_unreachable
from streaming.engine.days import loading
from streaming.engine.days.recipe import Recipe
from streaming.engine.days.tick_loading import fetch_missing_ticks
from streaming.engine.records import journal_writing, lease
from streaming.starts import lines
from streaming.starts.error import StartError
from streaming.starts.request import Say

log = logging.getLogger(__name__)
LOOK_SECONDS, LOOK_AT_LEASE_SECONDS = 0.01, 0.5
WORKERS_HINT = (
    "Start Tapedeck with `make start`, or a worker with `celery -A config worker -Q replay,starts --pool threads`."
)
OPENING = """
SELECT objid FROM pg_locks
 WHERE locktype = 'advisory' AND classid = %s AND objid = ANY(%s::oid[]) AND objsubid = 2
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass(frozen=True)
class Started:
    """What came of a start: symbol → how many bars, trades and quotes of its first day; and what did not start."""

    session: Session
    bars: dict[str, int] = field(default_factory=dict)
    ticks: dict[str, int] = field(default_factory=dict)
    quotes: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)

    @property
    def symbols(self) -> list[str]:
        """Those with at least one started stream."""
        return sorted({*self.bars, *self.ticks, *self.quotes})

    def counts(self, stream_type: str) -> dict[str, int]:
        return {StreamType.BARS: self.bars, StreamType.TICKS: self.ticks, StreamType.QUOTES: self.quotes}[
            StreamType(stream_type)
        ]


def open_streams(session: Session, say: Say) -> Started:
    """Stream start for every symbol of a created session, then hand it to a worker. Raises StartError.

    Of two callers at once one opens it and the other waits for that; whoever comes later finds it started.
    """
    # Should this process be killed, a worker goes on with it.
    Session.objects.filter(pk=session.pk, state=State.CREATED).update(start_requested=True)
    while (started := try_open(session, say)) is None and session.state == State.CREATED:
        time.sleep(LOOK_SECONDS)
    if started is not None:
        return started
    _await_loaded(session)
    started = Started(session)
    for symbol in session.symbols():
        started.skipped.append(symbol)
        say(lines.already_active(symbol))
    return started


def try_open(session: Session, say: Say) -> Started | None:
    """`open_streams`; None where another process is opening the session, or where it is not `created` any more."""
    with alone(Locks.OPENING, session.pk) as mine:
        ours = mine and session.state == State.CREATED
        try:
            session.refresh_from_db()
            ours = mine and session.state == State.CREATED
            if not ours:
                return None
            return _open(session, say)
        except (KeyboardInterrupt, SystemExit):
            drop_if_busy()
            if ours:
                end(session, State.STOPPED, "interrupted while it was being started")
            raise
        except StartError:
            raise
        except (OperationalError, InterfaceError) as error:
            if ours and not is_unreachable(error):
                _say_waiting(session, f"{fault(error)}. Its start is tried again.")
            raise
        except Exception as error:
            log.exception("The start of session %s failed", session.pk)
            raise end(session, State.FAILED, f"its start failed: {type(error).__name__}: {error}") from error


def _say_waiting(session: Session, reason: str) -> None:
    """On its row: whoever comes next, a worker or upkeep, goes on with it."""
    log.warning("The start of session %s waits: %s", session.pk, reason)
    with contextlib.suppress(OperationalError, InterfaceError):  # the error that keeps it waiting is raised
        Session.objects.filter(pk=session.pk, state=State.CREATED).update(reason=reason)


def being_opened(session_ids: Collection[int]) -> set[int]:
    """Those of the sessions that a living process is opening at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(OPENING, [Locks.OPENING, list(session_ids)])
        return {int(row[0]) for row in cursor.fetchall()}


def _open(session: Session, say: Say) -> Started:
    started = Started(session)
    recipe = Recipe.of(session)
    streams = list(session.streams.filter(requested=True).select_related("instrument"))
    _register(streams, say)
    bars = _fetch_bars(recipe, session.first_date, streams, say)
    for stream in streams:
        _open_stream(recipe, stream, started, bars, say)
    if not started.symbols:
        reasons = "; ".join(started.failures.values())
        raise end(session, State.FAILED, f"No stream could be started: {reasons}", "symbols")
    _hand_over(session, started.symbols)
    for kind in session.types:
        for symbol, count in started.counts(kind).items():
            say(lines.started(symbol, count, kind))
    _await_loaded(session)
    return started


Bars = Mapping[str, int | str]
"""Symbol → how many bars the store has of the first day, or the reason why none."""


def _register(streams: list[ActiveStream], say: Say) -> None:
    symbols: set[str] = set()
    for stream in streams:
        symbols.add(stream.instrument.symbol)
        ActiveStream.objects.filter(pk=stream.pk).update(active=True, started_at=Now())
        say(lines.registered(stream.instrument.symbol, len(symbols)))
        say(lines.marked_active(stream.instrument.symbol, stream.stream_type))


def _fetch_bars(recipe: Recipe, date: dt.date, streams: list[ActiveStream], say: Say) -> Bars:
    """Block until the store has them: what it lacks is asked for in as few questions as the provider allows."""
    symbols = [stream.instrument.symbol for stream in streams if stream.stream_type == StreamType.BARS]
    for symbol in symbols:
        say(lines.fetching(symbol, date))
    found: dict[str, int | str] = dict(store.bar_counts(recipe.dataset.pk, date, symbols))
    if lacking := [symbol for symbol in symbols if symbol not in found]:
        try:
            found |= loading.fetch_each(recipe, lacking, date)
        except MarketDataError as error:
            found |= dict.fromkeys(lacking, str(error))
        found |= store.bar_counts(recipe.dataset.pk, date, lacking)
    return found


def _open_stream(recipe: Recipe, stream: ActiveStream, started: Started, bars: Bars, say: Say) -> None:
    symbol, kind, date = stream.instrument.symbol, stream.stream_type, started.session.first_date
    if kind == StreamType.BARS:
        found = bars[symbol]
    else:
        say(lines.fetching(symbol, date, kind))
        found = _fetch_ticks(recipe, DayKind(kind), symbol, date)
    if isinstance(found, str):
        ActiveStream.objects.filter(pk=stream.pk).update(active=False, requested=False)
        started.failures[symbol if kind == StreamType.BARS else f"{symbol} {kind}"] = found
        started.session.record("stream", f"{symbol}: {found}", level="error")
        say(lines.failed(symbol, found))
    else:
        started.counts(kind)[symbol] = found
        say(lines.fetched(symbol, found, date, kind))


def _fetch_ticks(recipe: Recipe, kind: DayKind, symbol: str, date: dt.date) -> int | str:
    """Block until the store has the symbol's day; returns how many events it has, or the reason why none."""
    try:
        reasons = fetch_missing_ticks(recipe, kind, [symbol], date)
    except MarketDataError as error:
        return str(error)
    return reasons.get(symbol) or find_days(recipe.dataset.pk, kind, date, [symbol])[symbol].row_count


def _hand_over(session: Session, symbols: list[str]) -> None:
    with transaction.atomic():
        payload = {
            "symbols": symbols,
            "generation": 1,
            "derive": session.derive,
            "interval": session.interval,
            "to": session.start_at.isoformat() if session.start_at else None,
        }
        journal_writing.append(session.pk, JournalEntry.Kind.START, payload)
        session.move_to(State.STARTING)
        transaction.on_commit(lambda: queues.queue_replay(session.pk))


def _await_loaded(session: Session) -> None:
    """Until the day is loaded: as long as that takes where a worker holds the session, else for a bounded time."""
    looked = taken = time.monotonic()
    while True:
        session.refresh_from_db()
        if session.run.loaded_at:
            return
        if not session.is_live:
            raise StartError(f"Session {session.pk} {session.state}: {session.reason}")
        now = time.monotonic()
        if now - looked >= LOOK_AT_LEASE_SECONDS:
            looked = now
            if not Session.objects.claimable(lease.ttl()).filter(pk=session.pk).exists():
                taken = now
        if now - taken > settings.LOADED_TIMEOUT:
            waited = f"{settings.LOADED_TIMEOUT:g} s"
            reason = f"No worker has taken session {session.pk} within {waited}. {WORKERS_HINT}"
            raise end(session, State.FAILED, reason)
        time.sleep(LOOK_SECONDS)


def end(session: Session, state: State, reason: str, about: str = "") -> StartError:
    """End a session whose start did not come to anything; returns the error for who asked for it."""
    session.refresh_from_db()
    try:
        session.move_to(state, reason=reason)
    except TransitionError:
        return StartError(f"Session {session.pk} {session.state}: {session.reason}", about)
    session.streams.update(active=False)
    session.record("state", f"{state}: {reason}", level="error" if state == State.FAILED else "info")
    return StartError(reason, about)
