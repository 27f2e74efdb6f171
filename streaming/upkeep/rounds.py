"""Upkeep: gaps and their refill, derived bars, quality, corrections and the next day's data, for live sessions.

Idempotent and bounded. All sessions are looked at together; only one with something to do is taken under its
lock, so that a second run walks away. It changes the store only: the coordinator alone loads, holds and lets go.
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

from marketdata.ledger import cut
from marketdata.quality import quality
from sessions.models import ActiveStream, ServiceHeartbeat, Session, StreamType
from streaming.db import alone
from streaming.upkeep import abandoned, day_work, newer_ticks, refilling, retention
from streaming.upkeep.holding import Holding, holdings, visible_minutes

__all__ = ["run", "run_one", "visible_minutes"]
log = logging.getLogger(__name__)
LOCK_SPACE = 0x7A9E
QUALITIES = """
UPDATE replay_activestream a SET quality = q.quality
  FROM unnest(%s::bigint[], %s::float8[]) AS q(id, quality) WHERE a.id = q.id
"""
Clock = dt.datetime


def run(now: Clock | None = None) -> Counter[str]:
    """One round over everything that is live or was left lying. Returns what was done, by kind."""
    now = now or dt.datetime.now(dt.UTC)
    begun = time.monotonic()
    done = _round(Session.objects.live(), now) + abandoned.take_up(now)
    before = ServiceHeartbeat.objects.filter(name="upkeep").first()
    cleaned = retention.clean_if_due(now, before.detail.get("cleaned", {}) if before else {})
    detail = {"seconds": round(time.monotonic() - begun, 3), "did": dict(done), "cleaned": cleaned}
    row = {"kind": "upkeep", "pid": 0, "seen_at": Now(), "detail": detail}
    ServiceHeartbeat.objects.update_or_create(name="upkeep", defaults=row)
    return done


def run_one(session_id: int, now: Clock | None = None) -> Counter[str]:
    """Upkeep of one session, as the coordinator asks for it in simulated time; also of one that has just ended."""
    return _round(Session.objects.filter(pk=session_id), now or dt.datetime.now(dt.UTC))


def _round(sessions: QuerySet[Session], now: Clock) -> Counter[str]:
    found = holdings(sessions)
    done = Counter(sessions=len(found), qualities=_write_qualities(found))
    fillers = refilling.Fillers(now)
    for holding in found:
        if fillers.wanted(holding) or day_work.due(holding):
            done += _work(holding.session.pk, fillers)
    return done + newer_ticks.tell(found)


def _work(session_id: int, fillers: refilling.Fillers) -> Counter[str]:
    """What is due for one session; nothing while another run has its lock."""
    done: Counter[str] = Counter()
    with alone(LOCK_SPACE, session_id) as mine:
        if not mine:
            return done
        for holding in holdings(Session.objects.filter(pk=session_id)):
            filled = fillers.fill(holding)
            done += filled
            if filled["refills"]:
                (holding,) = holdings(Session.objects.filter(pk=session_id))
            done += day_work.do(holding)
            _write_qualities([holding])
    return done


def _write_qualities(found: Sequence[Holding]) -> int:
    """Each stream's quality up to the visible clock, written where it changed."""
    by_session = {holding.session.pk: holding for holding in found}
    streams = ActiveStream.objects.filter(session__in=list(by_session), stream_type=StreamType.BARS)
    changed: list[tuple[int, float | None]] = []
    for pk, session, symbol, old in streams.values_list("id", "session_id", "instrument__symbol", "quality"):
        holding = by_session[session]
        if held := holding.held.get(symbol):
            seen = quality(cut(held.ledger, holding.minutes), holding.minutes).value
            if seen != old:
                changed.append((pk, seen))
    if changed:
        with connection.cursor() as cursor:
            cursor.execute(QUALITIES, [[pk for pk, _ in changed], [value for _, value in changed]])
    return len(changed)
