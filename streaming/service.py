"""The stream service: the one way to start a session, for every door.

Per symbol: already active → nothing to do; else register, mark the stream active, block and fetch the current
market day only. Then the session is queued, and the caller waits for the worker's acknowledgement.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from marketdata import store
from marketdata.errors import MarketDataError
from marketdata.ticks.columns import TickKind
from marketdata.ticks.store import find_ticks
from sessions.models import ActiveStream, JournalEntry, ServiceHeartbeat, Session, State, StreamType
from streaming import messages, queues
from streaming.db import alone
from streaming.engine import journal, loading
from streaming.engine.tick_loading import fetch_missing_ticks
from streaming.start_request import Say, StartError, StartRequest, check

WORKER_SILENT_AFTER = dt.timedelta(seconds=10)
OPEN_SPACE = 0x7A9F


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


def quiet(_: str) -> None:
    """For doors that show events instead of lines."""


def create(request: StartRequest, say: Say = quiet) -> Session:
    """Check the request and write its rows, state `created`. Fetches nothing."""
    plan = check(request, say)
    with transaction.atomic():
        ids = store.ensure_instruments(plan.symbols)
        session = Session.objects.create(
            name=request.name,
            dataset=plan.dataset,
            interval=request.interval,
            derive=list(request.derive),
            types=list(plan.types),
            clock_step=request.clock_step,
            start_date=plan.first,
            end_date=plan.last,
            provider=request.provider or plan.dataset.provider,
            speed=request.speed,
            as_known=request.as_known,
            created_by=request.created_by,
        )
        ActiveStream.objects.bulk_create(
            ActiveStream(session=session, instrument_id=ids[symbol], stream_type=kind, active=False)
            for symbol in plan.symbols
            for kind in plan.types
        )
        session.record("state", f"created: {', '.join(plan.symbols)} from {plan.first} to {plan.last}, {plan.dataset}")
    return session


def start(request: StartRequest, say: Say = quiet) -> Started:
    """Create, fetch, queue and wait until the worker has the day. Raises StartError, with nothing half-started."""
    require_worker()
    session = create(request, say)
    return open_streams(session, say)


def queue_start(session_id: int) -> None:
    """Have the upkeep worker do what `start` does in the foreground. Call it on commit.

    A broker that is away fails the session, visibly; the error goes on to whoever asked. A message that is lost
    later is sent again by upkeep.
    """
    Session.objects.filter(pk=session_id).update(start_requested=True)
    try:
        queues.queue_start(session_id)
    except OperationalError:
        _undo(Session.objects.get(pk=session_id), "Redis does not answer: the start could not be queued.")
        raise


def open_queued(session_id: int) -> None:
    """The queued start: what goes wrong is on the session's row."""
    session = Session.objects.select_related("dataset").get(pk=session_id)
    if session.state == State.CREATED:
        try:
            open_streams(session, quiet)
        except StartError:
            session.refresh_from_db()


def open_streams(session: Session, say: Say) -> Started:
    """Stream start for every symbol of a created session, then hand it to a worker.

    Of two callers at once one starts it and the other waits for that; whoever comes later finds it started.
    """
    with alone(OPEN_SPACE, session.pk) as mine:
        session.refresh_from_db()
        if mine and session.state == State.CREATED:
            return _open(session, say)
    _await_loaded(session)
    started = Started(session)
    for symbol in session.symbols():
        started.skipped.append(symbol)
        say(messages.already_active(symbol))
    return started


def _open(session: Session, say: Say) -> Started:
    started = Started(session)
    recipe = loading.Recipe.of(session)
    streams = list(session.streams.filter(wanted=True).select_related("instrument"))
    _register(streams, say)
    bars = _fetch_bars(recipe, session.first_date, streams, say)
    for stream in streams:
        _open_stream(recipe, stream, started, bars, say)
    if not started.symbols:
        reasons = "; ".join(started.failures.values())
        raise _undo(session, f"No stream could be started: {reasons}", "symbols")
    _hand_over(session, started.symbols)
    for kind in session.types:
        for symbol, count in started.counts(kind).items():
            say(messages.started(symbol, count, kind))
    _await_loaded(session)
    return started


Bars = Mapping[str, int | str]
"""Symbol → how many bars the store has of the first day, or the reason why none."""


def _register(streams: list[ActiveStream], say: Say) -> None:
    symbols: set[str] = set()
    for stream in streams:
        symbols.add(stream.instrument.symbol)
        ActiveStream.objects.filter(pk=stream.pk).update(active=True, started_at=Now())
        say(messages.registered(stream.instrument.symbol, len(symbols)))
        say(messages.marked_active(stream.instrument.symbol, stream.stream_type))


def _fetch_bars(recipe: loading.Recipe, date: dt.date, streams: list[ActiveStream], say: Say) -> Bars:
    """Block until the store has them: what it lacks is asked for in as few questions as the provider allows."""
    symbols = [stream.instrument.symbol for stream in streams if stream.stream_type == StreamType.BARS]
    for symbol in symbols:
        say(messages.fetching(symbol, date))
    found: dict[str, int | str] = dict(store.bar_counts(recipe.dataset.pk, date, symbols))
    if lacking := [symbol for symbol in symbols if symbol not in found]:
        try:
            found |= loading.fetch_each(recipe, lacking, date)
        except MarketDataError as error:
            found |= dict.fromkeys(lacking, str(error))
        found |= store.bar_counts(recipe.dataset.pk, date, lacking)
    return found


def _open_stream(recipe: loading.Recipe, stream: ActiveStream, started: Started, bars: Bars, say: Say) -> None:
    symbol, kind, date = stream.instrument.symbol, stream.stream_type, started.session.first_date
    if kind == StreamType.BARS:
        found = bars[symbol]
    else:
        say(messages.fetching(symbol, date, kind))
        found = _fetch_ticks(recipe, TickKind(kind), symbol, date)
    if isinstance(found, str):
        ActiveStream.objects.filter(pk=stream.pk).update(active=False, wanted=False)
        started.failures[symbol if kind == StreamType.BARS else f"{symbol} {kind}"] = found
        started.session.record("stream", f"{symbol}: {found}", level="error")
        say(messages.failed(symbol, found))
    else:
        started.counts(kind)[symbol] = found
        say(messages.fetched(symbol, found, date, kind))


def _fetch_ticks(recipe: loading.Recipe, kind: TickKind, symbol: str, date: dt.date) -> int | str:
    """Block until the store has the symbol's day; returns how many events it has, or the reason why none."""
    try:
        reasons = fetch_missing_ticks(recipe, kind, [symbol], date)
    except MarketDataError as error:
        return str(error)
    return reasons.get(symbol) or find_ticks(recipe.dataset.pk, kind, date, [symbol])[symbol].row_count


def _hand_over(session: Session, symbols: list[str]) -> None:
    with transaction.atomic():
        payload = {
            "symbols": symbols,
            "generation": 1,
            "derive": session.derive,
            "interval": session.interval,
            "to": session.start_at.isoformat() if session.start_at else None,
        }
        journal.append(session.pk, JournalEntry.Kind.START, payload)
        session.move_to(State.STARTING)
        transaction.on_commit(lambda: queues.queue_replay(session.pk))


def _await_loaded(session: Session) -> None:
    end = time.monotonic() + settings.LOADED_TIMEOUT
    while time.monotonic() < end:
        session.refresh_from_db()
        if session.loaded_at:
            return
        if not session.is_live:
            raise StartError(f"Session {session.pk} {session.state}: {session.reason}")
        time.sleep(0.01)
    waited = f"{settings.LOADED_TIMEOUT:g} s"
    raise _undo(session, f"No worker has loaded session {session.pk} within {waited}. {_workers_hint()}")


def _undo(session: Session, reason: str, about: str = "") -> StartError:
    session.refresh_from_db()
    session.move_to(State.FAILED, reason=reason)
    session.streams.update(active=False)
    session.record("state", f"failed: {reason}", level="error")
    return StartError(reason, about)


def require_worker() -> None:
    """Fail before anything is written when nobody could play the session."""
    if not ServiceHeartbeat.objects.filter(kind="replay", seen_at__gt=Now() - WORKER_SILENT_AFTER).exists():
        raise StartError(f"No replay worker is running. {_workers_hint()}")


def _workers_hint() -> str:
    return "Start Tapedeck with `make start`, or a worker with `celery -A config worker -Q replay --pool threads`."
