"""The stream service: the one way to start a session, from the command line, the admin, the API and Python.

Per symbol: already active → nothing to do; else register, mark the stream active, block and fetch the current
market day only. Then the session is queued, and the caller waits for the worker's acknowledgement.
"""

from __future__ import annotations

import contextlib
import datetime as dt

from django.db import transaction
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from marketdata import store
from sessions.models import ActiveStream, ServiceHeartbeat, Session, State
from sessions.redis_faults import fault
from streaming.base import queues
from streaming.starts.error import StartError
from streaming.starts.opening import WORKERS_HINT, Started, end, open_streams, try_open
from streaming.starts.request import Say, StartRequest, check

__all__ = [
    "Started",
    "create",
    "notes_of",
    "open_queued",
    "open_streams",
    "queue_start",
    "quiet",
    "require_worker",
    "start",
]
NOTE = "note"
"""Kind of the events that say in what a session was started otherwise than asked for."""
WORKER_SILENT_AFTER = dt.timedelta(seconds=10)


def quiet(_: str) -> None:
    """For callers that show events instead of lines."""


def create(request: StartRequest, say: Say = quiet) -> Session:
    """Check the request and write its rows, state `created`. Fetches nothing.

    Where it is not started as asked for, that is said, and an event of the session (`notes_of`). Raises StartError.
    """
    notes: list[str] = []
    try:
        plan = check(request, notes.append)
    except StartError as error:
        raise StartError(" ".join([*notes, error.message]), error.field) from None
    for note in notes:
        say(note)
    with transaction.atomic():
        ids = store.ensure_instruments(plan.symbols)
        session = Session.objects.create(
            name=request.name,
            dataset=plan.dataset,
            interval=request.interval,
            derive=list(request.derive),
            types=list(plan.types),
            clock_step=request.clock_step,
            night_seconds=request.night_seconds,
            hours=request.hours,
            exchange=plan.exchange,
            start_date=plan.first,
            end_date=plan.last,
            provider=request.provider or plan.dataset.provider,
            speed=request.speed,
            paused=request.paused,
            as_known=request.as_known,
            created_by=request.created_by,
        )
        ActiveStream.objects.bulk_create(
            ActiveStream(session=session, instrument_id=ids[symbol], stream_type=kind, active=False)
            for symbol in plan.symbols
            for kind in plan.types
        )
        for note in notes:
            session.record(NOTE, note, level="warning")
        session.record("state", f"created: {', '.join(plan.symbols)} from {plan.first} to {plan.last}, {plan.dataset}")
    return session


def notes_of(session: Session) -> list[str]:
    """In what it was started otherwise than asked for."""
    return list(session.events.filter(kind=NOTE).order_by("pk").values_list("message", flat=True))


def start(request: StartRequest, say: Say = quiet) -> Started:
    """Create, fetch, queue and wait until the worker has the day. Raises StartError, with nothing half-started."""
    require_worker()
    session = create(request, say)
    return open_streams(session, say)


def queue_start(session_id: int) -> None:
    """Have a worker do what `start` does in the foreground. Call it on commit.

    A broker that is away fails the session, with the reason on its row; the error goes on to whoever asked.
    A message that is lost later is sent again by upkeep.
    """
    Session.objects.filter(pk=session_id).update(start_requested=True)
    try:
        queues.queue_start(session_id)
    except OperationalError as error:
        session = Session.objects.get(pk=session_id)
        end(session, State.FAILED, f"{fault(error)}: the start could not be queued.")
        raise


def open_queued(session_id: int) -> None:
    """The queued start: what goes wrong is on the session's row. Nothing where another process is at it."""
    session = Session.objects.with_run().get(pk=session_id)
    with contextlib.suppress(StartError):
        try_open(session, quiet)


def require_worker() -> None:
    """Fail before anything is written when no worker could play the session."""
    if not ServiceHeartbeat.objects.filter(kind="replay", seen_at__gt=Now() - WORKER_SILENT_AFTER).exists():
        raise StartError(f"No replay worker is running. {WORKERS_HINT}")
