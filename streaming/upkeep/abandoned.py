"""Sessions without a worker: a silent lease, or a start that was queued and never came."""

from __future__ import annotations

import datetime as dt
from collections import Counter

from sessions.models import Session, SessionEvent, State
from streaming.base import queues
from streaming.engine.records import lease
from streaming.starts.opening import being_opened
from streaming.upkeep.problems import Problems

GIVEN_UP_AFTER = dt.timedelta(minutes=30)


def queue_again(now: dt.datetime, problems: Problems) -> Counter[str]:
    """The last resort, for workers look for silent leases themselves every second."""
    silent = list(Session.objects.claimable(lease.ttl()).select_related("run"))
    for session in silent:
        with problems.of(session):
            queues.queue_replay(session.pk)
            _report_once(session)
    return Counter(silent=len(silent)) + _never_claimed(now, problems)


def _report_once(session: Session) -> None:
    """One event for each worker that fell silent, not one a minute."""
    last = SessionEvent.objects.filter(session=session, kind__in=("lease", "recovery")).order_by("-id").first()
    if last is None or last.kind != "lease":
        holder = session.run.worker or "no worker"
        session.record("lease", f"queued again: {holder} holds its lease, and is silent", level="warning")


def _never_claimed(now: dt.datetime, problems: Problems) -> Counter[str]:
    """Starts whose message was lost are queued again, until there is no more hope."""
    done: Counter[str] = Counter()
    waiting = list(Session.objects.never_opened())
    alive = being_opened([session.pk for session in waiting])
    for session in waiting:
        if session.pk not in alive:
            with problems.of(session):
                done[_start_again(session, now)] += 1
    return done


def _start_again(session: Session, now: dt.datetime) -> str:
    if session.created_at >= now - GIVEN_UP_AFTER:
        queues.queue_start(session.pk)
        return "requeued"
    reason = session.reason or "its start was queued and never came: no replay worker took it"
    session.move_to(State.FAILED, reason=reason)
    session.record("state", f"failed: {reason}", level="error")
    return "given_up"
