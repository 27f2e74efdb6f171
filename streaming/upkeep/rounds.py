"""Upkeep: gaps and their refill, derived bars, quality, corrections and the next day's data, for live sessions.

Idempotent and bounded. All sessions are looked at together; only one with something to do is taken under its
lock, so that a second run walks away. It changes the store only: the coordinator alone loads, holds and drops.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections import Counter
from collections.abc import Sequence

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now

from marketdata.importing.uploads import upload_queue
from marketdata.ledger import cut
from marketdata.locks import Locks, alone
from marketdata.quality import quality
from sessions.models import ActiveStream, ServiceHeartbeat, Session, StreamType
from streaming.base.db import is_unreachable
from streaming.upkeep import abandoned, day_work, newer_ticks, refilling, retention
from streaming.upkeep.holding import Holding, holdings, minutes_over
from streaming.upkeep.problems import Problems

__all__ = ["minutes_over", "run", "run_one"]
log = logging.getLogger(__name__)
MOST_PROBLEMS = 20
"""Kept of a round for `system_status`."""
QUALITIES = """
UPDATE replay_activestream a SET quality = q.quality
  FROM unnest(%s::bigint[], %s::float8[]) AS q(id, quality) WHERE a.id = q.id
"""
Clock = dt.datetime


def run(now: Clock | None = None, problems: Problems | None = None) -> Counter[str]:
    """One round over everything that is live or was abandoned. Returns what was done, by kind."""
    now, problems = now or dt.datetime.now(dt.UTC), problems or Problems()
    begun = time.monotonic()
    done: Counter[str] = Counter()
    with problems.of("live sessions"):
        done += _round(Session.objects.live(), now, problems)
    with problems.of("abandoned sessions"):
        done += abandoned.queue_again(now, problems)
    with problems.of("uploads"):
        for upload in upload_queue.silent(now):
            with problems.of(str(upload)):
                upload_queue.queue_again(upload)
                done["uploads"] += 1
    before = ServiceHeartbeat.objects.filter(name="upkeep").first()
    cleaned = before.detail.get("cleaned", {}) if before else {}
    with problems.of("retention"):
        cleaned = retention.clean_if_due(now, cleaned, problems)
    with problems.of("streams of ended sessions"):
        retention.trim_ended(now, problems)
    detail = {"seconds": round(time.monotonic() - begun, 3), "did": dict(done), "cleaned": cleaned}
    detail["problems"] = problems.found[:MOST_PROBLEMS]
    row = {"kind": "upkeep", "pid": 0, "seen_at": Now(), "detail": detail}
    ServiceHeartbeat.objects.update_or_create(name="upkeep", defaults=row)
    return done


def run_one(session_id: int, now: Clock | None = None) -> Counter[str]:
    """Upkeep of one session, as the coordinator asks for it in simulated time; also of one that has just ended."""
    return _round(Session.objects.filter(pk=session_id), now or dt.datetime.now(dt.UTC), Problems())


def _round(sessions: QuerySet[Session], now: Clock, problems: Problems) -> Counter[str]:
    found = _each_holding(sessions, problems)
    done = Counter(sessions=len(found))
    with problems.of("qualities"):
        done["qualities"] = _write_qualities(found, problems)
    fillers = refilling.Fillers(now, problems)
    # What waits for a provider that hangs must not keep the others waiting.
    for holding in sorted(found, key=fillers.out_of_order):
        with problems.of(holding.session):
            if fillers.selected(holding) or day_work.due(holding):
                done += _work(holding.session.pk, fillers)
    with problems.of("newer trades and quotes"):
        done += newer_ticks.announce_newer(found, problems)
    return done


def _each_holding(sessions: QuerySet[Session], problems: Problems) -> list[Holding]:
    """All of them in a handful of queries; where that fails, one by one, without those that fail."""
    try:
        return holdings(sessions)
    except Exception as error:
        if is_unreachable(error):
            raise
        log.exception("Upkeep looks at the sessions one by one")
    found: list[Holding] = []
    for session in sessions:
        with problems.of(session):
            found += holdings(Session.objects.filter(pk=session.pk))
    return found


def _work(session_id: int, fillers: refilling.Fillers) -> Counter[str]:
    """What is due for one session; nothing while another run has its lock."""
    done: Counter[str] = Counter()
    with alone(Locks.UPKEEP, session_id) as mine:
        if not mine:
            return done
        for holding in holdings(Session.objects.filter(pk=session_id)):
            filled: Counter[str] = Counter()
            with fillers.problems.of(holding.session):
                filled = fillers.fill(holding)
            done += filled
            if filled["refills"]:
                (holding,) = holdings(Session.objects.filter(pk=session_id))
            done += day_work.do(holding, fillers.problems)
            _write_qualities([holding], fillers.problems)
    return done


def _write_qualities(found: Sequence[Holding], problems: Problems) -> int:
    """Each stream's quality up to the clock, written where it changed."""
    by_session = {holding.session.pk: holding for holding in found}
    streams = ActiveStream.objects.filter(session__in=list(by_session), stream_type=StreamType.BARS)
    changed: list[tuple[int, float | None]] = []
    for pk, session, symbol, old in streams.values_list("id", "session_id", "instrument__symbol", "quality"):
        holding = by_session[session]
        with problems.of(holding.session):
            if held := holding.held.get(symbol):
                seen = quality(cut(held.ledger, holding.minutes), holding.minutes).value
                if seen != old:
                    changed.append((pk, seen))
    if changed:
        with connection.cursor() as cursor:
            cursor.execute(QUALITIES, [[pk for pk, _ in changed], [value for _, value in changed]])
    return len(changed)
