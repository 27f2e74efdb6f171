"""The state of the whole system as one dict: what `system_status` prints and `/api/status/` serves."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import redis
from django.db import Error as DatabaseError
from django.db import connection
from django.utils import timezone

from marketdata.calendar import session_date_of
from sessions import wakeup
from sessions.models import ActiveStream, ServiceHeartbeat, Session, State, StreamType
from streaming.reading import readers

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
    return _report(now, services, heartbeats, session_reports(readers_told=services[1]["ok"]))


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
    if not services[0]["ok"]:
        return
    if not any(row["alive"] and row["kind"] == "replay" for row in workers):
        yield "No replay worker is running, so no session can start: start one with manage.py up."
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
        info: dict[str, Any] = wakeup.connection().info("server")
    except redis.RedisError as error:
        return _service("redis", ok=False, detail=_first_line(error))
    if "valkey_version" in info:
        return _service("redis", version=str(info["valkey_version"]), detail="valkey")
    return _service("redis", version=str(info["redis_version"]))


def _service(name: str, *, ok: bool = True, version: str = "", detail: str = "") -> dict[str, Any]:
    return {"name": name, "ok": ok, "version": version, "detail": detail}


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


def session_reports(*, readers_told: bool) -> list[dict[str, Any]]:
    """Every live session, oldest first, in two queries; readers only where Redis answers."""
    sessions = list(Session.objects.live().select_related("dataset").order_by("pk"))
    streams: defaultdict[int, list[ActiveStream]] = defaultdict(list)
    active = ActiveStream.objects.filter(session__in=sessions, active=True).select_related("instrument")
    for stream in active:
        streams[stream.session_id].append(stream)
    return [
        session_report(session, streams[session.pk]) | (readers.summary(session) if readers_told else readers.UNKNOWN)
        for session in sessions
    ]


def session_report(session: Session, streams: list[ActiveStream]) -> dict[str, Any]:
    symbols = sorted({stream.instrument.symbol for stream in streams})
    return {
        "id": session.pk,
        "name": session.name,
        "state": session.state,
        "reason": session.reason,
        "dataset": session.dataset.name,
        "synthetic": session.dataset.synthetic,
        "session_date": session_date_of(session.clock) if session.clock else session.start_date,
        "session_active": session.is_live,
        "clock": session.clock,
        "active_symbols": len(symbols),
        "symbols": symbols,
        "streams": len(streams),
        "bars": sum(stream.present for stream in streams if stream.stream_type == StreamType.BARS),
        "quality": pooled_quality(streams),
        "days_held": session.days_held,
        "bars_held": session.bars_held,
        "speed": session.speed,
        "real_speed": session.real_speed if session.state == State.RUNNING else None,
        "clock_error": session.clock_error if session.state == State.RUNNING else None,
        "bottleneck": session.bottleneck if session.state == State.RUNNING else "",
        "worker": session.worker,
    }


def pooled_quality(streams: Iterable[ActiveStream]) -> float | None:
    """The streams' quality weighted by their expected minutes; None before the first minute."""
    rated = [(row.quality, row.expected) for row in streams if row.quality is not None and row.expected]
    expected = sum(minutes for _, minutes in rated)
    return sum(quality * minutes for quality, minutes in rated) / expected if expected else None


def as_json(value: Any) -> str | list[Any]:
    """`default=` for json: UTC times end in Z, as everywhere on the wire."""
    if isinstance(value, dt.datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)
