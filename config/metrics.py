"""`/metrics` for Prometheus: read from Postgres and Redis at each scrape, so that any web process can answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import redis
from django.db.models import Count
from django.http import HttpResponse
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from sessions import redis_client
from sessions.models import ServiceHeartbeat, Session, State
from streaming.engine.publishing.bus import stream_key
from streaming.reading import registry as readers
from streaming.status import pooled_quality, postgres_status, redis_status
from web.api.permissions import CanViewSessions
from web.holders import LOOK_AHEAD

SESSION = ["session"]


class Scrape:
    """A collector of one scrape: everything as of `now`; what tells of later days where `ahead`."""

    def __init__(self, now: dt.datetime, *, ahead: bool) -> None:
        self.now, self.ahead = now, ahead

    def collect(self) -> Iterator[Metric]:
        yield from self._services()
        yield from self._heartbeats()
        yield from self._sessions()

    def _services(self) -> Iterator[Metric]:
        up = Gauge("tapedeck_service_up", "1 where the service answers.", labels=["service"])
        for row in (postgres_status(), redis_status()):
            up.add_metric([row["name"]], float(row["ok"]))
        yield up

    def _heartbeats(self) -> Iterator[Metric]:
        labels = ["kind", "name"]
        age = Gauge("tapedeck_heartbeat_age_seconds", "Since a worker, upkeep or beat was last seen.", labels=labels)
        slots = Gauge("tapedeck_worker_slots", "Sessions a replay worker can play.", labels=labels)
        upkeep = Gauge("tapedeck_upkeep_seconds", "How long upkeep's last round took.")
        used = Gauge("tapedeck_worker_slots_used", "Sessions it plays.", labels=labels)
        for row in ServiceHeartbeat.objects.all():
            age.add_metric([row.kind, row.name], self._age(row.seen_at))
            if row.kind == "replay":
                slots.add_metric([row.kind, row.name], row.capacity)
                used.add_metric([row.kind, row.name], row.in_use)
            if row.kind == "upkeep" and "seconds" in row.detail:
                upkeep.add_metric([], row.detail["seconds"])
        yield from (age, slots, used, upkeep)

    def _sessions(self) -> Iterator[Metric]:
        states = Gauge("tapedeck_sessions", "Sessions by state.", labels=["state"])
        counts = dict(Session.objects.order_by().values_list("state").annotate(n=Count("pk")))
        for state in State.values:
            states.add_metric([state], counts.get(state, 0))
        yield states
        live = list(Session.objects.live().select_related("run").prefetch_related("streams"))
        for name, (help_text, value) in (PER_SESSION | (OF_DAYS_HELD if self.ahead else {})).items():
            yield self._per_session(f"tapedeck_session_{name}", help_text, {row.pk: value(row) for row in live})
        leases = {row.pk: self._age(row.run.lease_renewed_at) for row in live if row.run.lease_renewed_at}
        yield self._per_session("tapedeck_session_lease_age_seconds", "Since the worker renewed its lease.", leases)
        yield self._per_session("tapedeck_session_stream_entries", STREAM_ENTRIES, _lengths(live))
        yield from self._readers(live)

    def _readers(self, live: list[Session]) -> Iterator[Metric]:
        payload = readers.summaries(live)
        counts = {pk: summary["readers"] for pk, summary in payload.items()}
        slowest = {pk: summary["slowest_reader"] or {} for pk, summary in payload.items()}
        frames = {pk: row.get("lag_frames") for pk, row in slowest.items()}
        seconds = {pk: row.get("lag_seconds") for pk, row in slowest.items()}
        yield self._per_session("tapedeck_session_readers", "Readers.", counts)
        yield self._per_session("tapedeck_session_lag_frames", "Frames that the slowest reader is behind.", frames)
        yield self._per_session("tapedeck_session_lag_seconds", "Market seconds that it is behind.", seconds)

    def _per_session(self, name: str, help_text: str, values: Mapping[int, float | None]) -> Metric:
        gauge = Gauge(name, help_text, labels=SESSION)
        for session, value in values.items():
            if value is not None:
                gauge.add_metric([str(session)], float(value))
        return gauge

    def _age(self, then: dt.datetime) -> float:
        return (self.now - then).total_seconds()


def _moving(row: Session, value: float | None) -> float | None:
    """What was measured says nothing of a session that stands."""
    return value if row.state == State.RUNNING else None


PER_SESSION: dict[str, tuple[str, Any]] = {
    "speed_target": ("Market seconds per second asked for; 0 is as fast as possible.", lambda row: row.speed),
    "speed_real": ("Market seconds per second reached.", lambda row: _moving(row, row.run.real_speed)),
    "clock_seconds": (
        "The clock, seconds since 1970.",
        lambda row: row.run.clock and row.run.clock.timestamp(),
    ),
    "clock_error_seconds": ("How late the last frame was, by the wall clock.", lambda row: row.run.moving.get("late")),
    "clock_error_p99_seconds": (
        "How late frames were, 99th percentile of the last 120.",
        lambda row: _moving(row, row.run.clock_error and row.run.clock_error / 1000),
    ),
    "frames": ("Frames published so far.", lambda row: row.run.frame_count),
    "symbols": ("Active streams.", lambda row: sum(stream.active for stream in row.streams.all())),
    "quality": ("Minutes present of those expected, 0 to 1.", lambda row: pooled_quality(row.streams.all())),
}
OF_DAYS_HELD: dict[str, tuple[str, Any]] = {
    "bars_held": ("Bars in the worker's memory.", lambda row: row.run.bars_held),
    "days_held": ("Days in the worker's memory: two at most.", lambda row: len(row.run.days_held)),
}


STREAM_ENTRIES = "Entries in the Redis Stream: a frame each, at full speed a stretch of frames."


def _lengths(live: list[Session]) -> dict[int, float | None]:
    pipeline = redis_client.connection().pipeline(transaction=False)
    for row in live:
        pipeline.xlen(stream_key(row.pk, row.run.generation))
    try:
        return dict(zip((row.pk for row in live), pipeline.execute(), strict=True))
    except redis.RedisError:
        return {}


class OneForm(BaseContentNegotiation):
    """Whatever the scraper accepts, it is Prometheus's text."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


class MetricsView(APIView):
    permission_classes = [IsAuthenticated, CanViewSessions]
    content_negotiation_class = OneForm
    throttle_classes = []
    schema = None

    def get(self, request: Request) -> HttpResponse:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Scrape(timezone.now(), ahead=request.user.has_perm(LOOK_AHEAD)))
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
