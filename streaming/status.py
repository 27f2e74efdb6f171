"""The state of the whole system as one dict: what `system_status` prints and `/api/status/` serves."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from sessions import redis_client
from sessions.models import ActiveStream, ServiceHeartbeat, Session, State, StreamType, symbols_of
from streaming.base import redis_server
from streaming.reading import registry as readers

ALIVE_WITHIN = {"replay": dt.timedelta(seconds=30)}
"""Kind → age at which its last heartbeat means that it is gone."""
UPKEEP_WITHIN = dt.timedelta(seconds=150)
"""Upkeep's and beat's rows are written once a minute, by the upkeep that beat triggers: two missed turns and a bit."""


def system_status(now: dt.datetime | None = None) -> dict[str, Any]:
    """Services, workers, beat and every live session; with a service down, what is known without it."""
    now = now or timezone.now()
    services = [postgres_status(), redis_status()]
    if not services[0]["ok"]:
        return _report(now, services, [], [])
    heartbeats = [_heartbeat(row, now) for row in ServiceHeartbeat.objects.all()]
    return _report(now, services, heartbeats, session_reports(redis_answers=services[1]["ok"]))


def _report(
    now: dt.datetime,
    services: list[dict[str, Any]],
    heartbeats: list[dict[str, Any]],
    sessions: list[dict[str, Any]],
) -> dict[str, Any]:
    beats = [row for row in heartbeats if row["kind"] == "beat"]
    workers = [row for row in heartbeats if row["kind"] != "beat"]
    beat = max(beats, key=lambda row: row["seen_at"], default=None)
    problems = list(find_problems(services, workers, beat))
    return {
        "at": now,
        "system": "down" if not all(row["ok"] for row in services) else "degraded" if problems else "running",
        "problems": problems,
        "services": services,
        "workers": workers,
        "beat": {"last_run": beat["seen_at"] if beat else None, "alive": bool(beat and beat["alive"])},
        "sessions": sessions,
    }


def find_problems(
    services: list[dict[str, Any]], workers: list[dict[str, Any]], beat: dict[str, Any] | None
) -> Iterable[str]:
    """What keeps sessions from being played, each with the way out."""
    for service in services:
        if not service["ok"]:
            yield f"{service['name']} does not answer ({service['detail']}): start it with manage.py up."
        yield from service["warnings"]
    if not services[0]["ok"]:
        return
    if not any(row["alive"] and row["kind"] == "replay" for row in workers):
        yield "No replay worker is running, so no session can start: start one with manage.py up."
    prefixes = {row["detail"].get("redis_prefix", settings.REDIS_PREFIX) for row in workers if row["alive"]}
    for prefix in sorted(prefixes - {settings.REDIS_PREFIX}):
        yield (
            f"Workers use the prefix {prefix!r} in Redis, and this process {settings.REDIS_PREFIX!r}: "
            "set REDIS_PREFIX to the same name for all."
        )
    for row in workers:
        yield from row["detail"].get("problems", ()) if row["alive"] else ()
    if not (beat and beat["alive"]):
        yield "Upkeep has not run lately: start beat and the upkeep worker with manage.py up."


def postgres_status() -> dict[str, Any]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            version = str(cursor.fetchone()[0])
    except DatabaseError as error:
        return _service("postgres", ok=False, detail=_first_line(error))
    return _service("postgres", version=version.split()[0])


def redis_status() -> dict[str, Any]:
    try:
        info: dict[str, Any] = redis_client.connection().info()
    except redis.RedisError as error:
        return _service("redis", ok=False, detail=_first_line(error))
    warnings = redis_server.problems_of(info)
    if "valkey_version" in info:
        return _service("redis", version=str(info["valkey_version"]), detail="valkey", warnings=warnings)
    return _service("redis", version=str(info["redis_version"]), warnings=warnings)


def _service(
    name: str, *, ok: bool = True, version: str = "", detail: str = "", warnings: Sequence[str] = ()
) -> dict[str, Any]:
    return {"name": name, "ok": ok, "version": version, "detail": detail, "warnings": list(warnings)}


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def is_alive(row: ServiceHeartbeat, now: dt.datetime) -> bool:
    return now - row.seen_at <= ALIVE_WITHIN.get(row.kind, UPKEEP_WITHIN)


def _heartbeat(row: ServiceHeartbeat, now: dt.datetime) -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.kind,
        "pid": row.pid,
        "seen_at": row.seen_at,
        "alive": is_alive(row, now),
        "capacity": row.capacity,
        "in_use": row.in_use,
        "detail": row.detail,
    }


def session_reports(*, redis_answers: bool) -> list[dict[str, Any]]:
    """Every live session, oldest first, in two queries; readers only where Redis answers."""
    sessions = list(Session.objects.live().with_run().order_by("pk"))
    streams: defaultdict[int, list[ActiveStream]] = defaultdict(list)
    requested = ActiveStream.objects.filter(session__in=sessions, requested=True).select_related("instrument")
    for stream in requested:
        streams[stream.session_id].append(stream)
    summaries = readers.summaries(sessions) if redis_answers else {}
    return [
        session_report(session, streams[session.pk]) | summaries.get(session.pk, readers.UNKNOWN)
        for session in sessions
    ]


def session_report(session: Session, streams: list[ActiveStream]) -> dict[str, Any]:
    active = [stream for stream in streams if stream.active]
    return {
        "id": session.pk,
        "name": session.name,
        "state": session.state,
        "reason": session.reason,
        "dataset": session.dataset.name,
        "synthetic": session.dataset.synthetic,
        "session_date": session.calendar.session_date_of(session.run.clock)
        if session.run.clock
        else session.start_date,
        "session_active": session.is_live,
        "clock": session.run.clock,
        "zone": session.calendar.zone.key,
        "active_symbols": len(symbols_of(active)),
        "symbols": symbols_of(streams),
        "streams": len(active),
        "bars": sum(stream.present for stream in streams if stream.stream_type == StreamType.BARS),
        "quality": pooled_quality(streams),
        "days_held": session.run.days_held,
        "bars_held": session.run.bars_held,
        "speed": session.speed,
        "real_speed": session.run.real_speed if session.state == State.RUNNING else None,
        "clock_error": session.run.clock_error if session.state == State.RUNNING else None,
        "bottleneck": session.run.bottleneck if session.state == State.RUNNING else "",
        "worker": session.run.worker,
    }


def pooled_quality(streams: Iterable[ActiveStream]) -> float | None:
    """The streams' quality weighted by their expected minutes; None before the first minute."""
    rated = [(row.quality, row.expected) for row in streams if row.quality is not None and row.expected]
    expected = sum(minutes for _, minutes in rated)
    return sum(quality * minutes for quality, minutes in rated) / expected if expected else None
