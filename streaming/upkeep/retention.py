"""What may go: frames, events and superseded versions older than the settings keep them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from django.conf import settings
from django.db import connection

from sessions import wakeup
from sessions.models import ENDED, Session, SessionEvent
from streaming.engine.bus import session_of

EVERY = dt.timedelta(hours=1)
KEPT_EVENTS = ("day_open", "seek", "state")
"""Kinds that frames are re-derived from, or that say how a session ended."""
BATCH, TICK_BATCH = 5_000, 200
"""Rows of a round; a day of trades or quotes may have a hundred chunks."""

# Version 1 and those with a market time are what sessions "as known" play.
UNPINNED = """
WITH pinned AS MATERIALIZED (
  SELECT DISTINCT p.day::bigint AS id
    FROM replay_journalentry j, jsonb_each_text(j.payload->'days') AS p(symbol, day)
   WHERE j.kind IN ('load', 'admit') AND p.day IS NOT NULL)
DELETE FROM marketdata_barday WHERE id IN (
  SELECT d.id FROM marketdata_barday d
   WHERE NOT d.current AND d.recorded_at < %s
     AND (d.interval <> '1m' OR (d.version > 1 AND d.known_at IS NULL))
     AND NOT EXISTS (SELECT FROM pinned WHERE pinned.id = d.id)
   LIMIT %s)
"""

# A day's chunks go with it. Sessions "as known" play the newest trades and quotes like all others.
UNPINNED_TICKS = """
WITH pinned AS MATERIALIZED (
  SELECT p.day::bigint AS id
    FROM replay_journalentry j,
         unnest(ARRAY[j.payload->'ticks', j.payload->'quotes']) AS k(days), jsonb_each_text(k.days) AS p(symbol, day)
   WHERE j.kind = 'load' AND p.day IS NOT NULL),
gone AS MATERIALIZED (
  SELECT d.id FROM marketdata_tickday d
   WHERE NOT d.current AND d.recorded_at < %s
     AND NOT EXISTS (SELECT FROM pinned WHERE pinned.id = d.id)
   LIMIT %s),
trades AS (DELETE FROM marketdata_tradechunk WHERE day_id IN (SELECT id FROM gone)),
quotes AS (DELETE FROM marketdata_quotechunk WHERE day_id IN (SELECT id FROM gone))
DELETE FROM marketdata_tickday WHERE id IN (SELECT id FROM gone)
"""


def clean_if_due(now: dt.datetime, last: dict[str, Any]) -> dict[str, Any]:
    """Clean once an hour. `last`: what this returned before; returns when it was done, and how much of each."""
    if last and now - dt.datetime.fromisoformat(last["at"]) < EVERY:
        return last
    return {"at": now.isoformat(), **clean(now)}


def clean(now: dt.datetime) -> Counter[str]:
    """Let go what the settings no longer keep. Returns how much of each."""
    return Counter(
        streams=_clean_streams(now - dt.timedelta(days=settings.KEEP_STREAMS_DAYS)),
        events=_clean_events(now - dt.timedelta(days=settings.KEEP_EVENTS_DAYS)),
        versions=_clean_versions(now - dt.timedelta(days=settings.KEEP_VERSIONS_DAYS)),
    )


def _clean_streams(before: dt.datetime) -> int:
    """Frames in Redis of sessions that ended before, or that are no more."""
    redis = wakeup.connection()
    keys: dict[int, list[bytes]] = {}
    for key in redis.scan_iter(match="tapedeck:*", count=1000):
        number = session_of(key)
        if number is not None:
            keys.setdefault(number, []).append(key)
    rows = Session.objects.filter(pk__in=keys)
    kept = set(rows.exclude(state__in=ENDED, ended_at__lt=before).values_list("pk", flat=True))
    gone = [key for number, found in keys.items() if number not in kept for key in found]
    if gone:
        redis.unlink(*gone)
    return len(gone)


def _clean_events(before: dt.datetime) -> int:
    old = SessionEvent.objects.filter(at__lt=before, session__state__in=ENDED).exclude(kind__in=KEPT_EVENTS)
    gone, _ = SessionEvent.objects.filter(pk__in=old.values_list("pk", flat=True)[:BATCH]).delete()
    return gone


def _clean_versions(before: dt.datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(UNPINNED, [before, BATCH])
        bars = int(cursor.rowcount)
        cursor.execute(UNPINNED_TICKS, [before, TICK_BATCH])
        return bars + int(cursor.rowcount)
