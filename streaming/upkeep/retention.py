"""What may go: frames, events and superseded versions older than the settings keep them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.conf import settings
from redis import ConnectionError as RedisAway
from redis import Redis
from redis import TimeoutError as RedisSilent

from marketdata.removal.superseded import remove_superseded
from sessions import redis_client
from sessions.models import ENDED, DayMark, Session, SessionEvent
from sessions.redis_keys import key, session_of
from streaming.base import redis_server
from streaming.engine.frames.frame_id import FrameId, milliseconds
from streaming.engine.publishing import bus
from streaming.upkeep.problems import Problems

EVERY = dt.timedelta(hours=1)
TRIM_AFTER, TRIM_FOR = dt.timedelta(seconds=30), dt.timedelta(hours=2)
KEPT_EVENTS = ("seek", "state")
"""Kinds that say what became of a session."""
BATCH = 2_000
"""Rows of a round."""


def clean_if_due(now: dt.datetime, last: dict[str, Any], problems: Problems) -> dict[str, Any]:
    """Clean once an hour. `last`: what this returned before; returns when it was done, and how much of each."""
    if last and now - dt.datetime.fromisoformat(last["at"]) < EVERY:
        return last
    return {"at": now.isoformat(), **clean(now, problems)}


def clean(now: dt.datetime, problems: Problems) -> Counter[str]:
    """Delete what the settings no longer keep. Returns how much of each that can be deleted."""
    steps: dict[str, tuple[float, Callable[[dt.datetime], int]]] = {
        "streams": (settings.KEEP_STREAMS_DAYS, _clean_streams),
        "events": (settings.KEEP_EVENTS_DAYS, _clean_events),
        "versions": (settings.KEEP_VERSIONS_DAYS, lambda before: remove_superseded(before, BATCH)),
    }
    done: Counter[str] = Counter()
    for name, (days, step) in steps.items():
        with problems.of(f"retention of {name}"):
            done[name] = step(now - dt.timedelta(days=days))
    return done


def _clean_streams(before: dt.datetime) -> int:
    """Frames in Redis of sessions that ended before, or that are no more."""
    redis_server.claim_prefix()
    redis = redis_client.connection()
    keys: dict[int, list[bytes]] = {}
    for name in redis.scan_iter(match=key("*"), count=1000):
        number = session_of(name)
        if number is not None:
            keys.setdefault(number, []).append(name)
    rows = Session.objects.filter(pk__in=keys)
    kept = set(rows.exclude(state__in=ENDED, ended_at__lt=before).values_list("pk", flat=True))
    gone = [name for number, found in keys.items() if number not in kept for name in found]
    if gone:
        redis.unlink(*gone)
    return len(gone)


def trim_ended(now: dt.datetime, problems: Problems) -> int:
    """Leave two days in the streams of sessions that ended lately: of a run at full speed there is more.

    Readers that follow it to its end get half a minute for what it passed. Returns how many entries went.
    """
    lately = (now - TRIM_FOR, now - TRIM_AFTER)
    client, gone = redis_client.connection(), 0
    for session in Session.objects.with_run().filter(state__in=ENDED, ended_at__range=lately):
        with problems.of(session, ends=(RedisAway, RedisSilent)):
            gone += _trim(client, session)
    return gone


def _trim(redis: Redis, session: Session) -> int:
    generation = session.run.generation
    last = DayMark.objects.filter(session=session, generation=generation).order_by("date").last()
    if last is None:
        return 0
    previous = session.calendar.previous_trading_day(last.date)
    return bus.trim(redis, session.pk, FrameId(generation, milliseconds(previous.begin), 0))


def _clean_events(before: dt.datetime) -> int:
    old = SessionEvent.objects.filter(at__lt=before, session__state__in=ENDED).exclude(kind__in=KEPT_EVENTS)
    gone, _ = SessionEvent.objects.filter(pk__in=old.values_list("pk", flat=True)[:BATCH]).delete()
    return gone
