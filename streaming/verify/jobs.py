"""Verifications in the background: asked for by anybody who may, done one at a time by upkeep's workers.

The rows are the queue, so no lost message and no worker that dies loses one: whoever holds the lock takes the oldest
unfinished row, and one that is still `running` then was left by a worker that is no more.
"""

from __future__ import annotations

import logging
from typing import Any

import orjson
import redis
from django.db import InterfaceError, OperationalError, transaction
from django.db.models.functions import Now

from marketdata.locks import Locks, alone
from sessions.models import Session, Verification
from sessions.postgres_faults import fault
from streaming.base import queues
from streaming.base.db import is_unreachable
from streaming.verify import session as verifying

log = logging.getLogger(__name__)
MOST_TRIES = 3


def ask(session_id: int, *, by: str = "") -> Verification:
    """Have the session verified; while a verification of it is not over, that one is answered.

    Raises Session.DoesNotExist.
    """
    session = Session.objects.get(pk=session_id)
    with transaction.atomic():
        row, is_new = Verification.objects.get_or_create(
            session=session, state__in=Verification.UNFINISHED, defaults={"requested_by": by}
        )
        if is_new:
            transaction.on_commit(queues.queue_verifications)
    return row


def unfinished() -> bool:
    return Verification.objects.filter(state__in=Verification.UNFINISHED).exists()


def work() -> int:
    """Do all that are asked for, oldest first; returns how many. Nothing while another process is at it."""
    done = 0
    while unfinished():
        with alone(Locks.VERIFYING, 0) as mine:
            if not mine:
                return done
            while row := _next():
                _do(row)
                done += 1
    return done


def keep(found: verifying.Findings, *, by: str = "") -> Verification:
    """Keep what a verification in the foreground found."""
    row = Verification.objects.create(session=found.session, requested_by=by, **_outcome(found))
    _report(row, found)
    return row


def _next() -> Verification | None:
    waiting = Verification.objects.filter(state__in=Verification.UNFINISHED).order_by("pk")
    row = waiting.first()
    if row is None:
        return None
    if row.tries >= MOST_TRIES:
        _fail(row, f"given up after {MOST_TRIES} tries: {row.reason or 'its worker died each time'}")
        return _next()
    waiting.filter(pk=row.pk).update(state=Verification.State.RUNNING, tries=row.tries + 1)
    return row


def _do(row: Verification) -> None:
    try:
        found = verifying.verify(row.session_id)
    except (OperationalError, InterfaceError) as error:
        if not is_unreachable(error):  # it is tried again as well, and here is what to say when that was tried enough
            Verification.objects.filter(pk=row.pk).update(reason=fault(error))
        raise  # the row stays, and beat has it done again
    except redis.RedisError as error:
        Verification.objects.filter(pk=row.pk).update(reason=f"Redis does not answer ({error})")
        raise
    except Session.DoesNotExist:
        return
    except Exception as error:
        log.exception("Verification %s of session %s", row.pk, row.session_id)
        _fail(row, f"internal error ({error!r}): see the upkeep worker's log")
    else:
        Verification.objects.filter(pk=row.pk).update(**_outcome(found))
        row.refresh_from_db()
        _report(row, found)


def _outcome(found: verifying.Findings) -> dict[str, Any]:
    report = orjson.loads(orjson.dumps(found.report()))
    return {"state": Verification.State.DONE, "ok": found.ok, "report": report, "reason": "", "ended_at": Now()}


def _report(row: Verification, found: verifying.Findings) -> None:
    level = "info" if found.ok else "error"
    found.session.record("verification", row.outcome, level=level, by=row.requested_by)


def _fail(row: Verification, reason: str) -> None:
    Verification.objects.filter(pk=row.pk).update(state=Verification.State.FAILED, reason=reason, ended_at=Now())
    row.session.record("verification", f"not verified: {reason}", level="error")
