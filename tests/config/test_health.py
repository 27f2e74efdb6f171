"""What a supervisor, a load balancer and Prometheus ask."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient

from config import health
from sessions import redis_client
from sessions.models import ServiceHeartbeat, State
from tests.streaming.callers import assert_problem, log_in
from tests.streaming.rows import a_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def redis_away(settings: Any) -> Any:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.connection.cache_clear()
    yield
    redis_client.connection.cache_clear()


def test_health_is_open_and_touches_no_service(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        answer = Client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_means_that_services_and_tables_are_there() -> None:
    answer = Client().get("/readyz")
    checks = {"postgres": True, "redis": True, "migrations": True}
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "checks": checks, "warnings": []})


def test_not_ready_without_redis(redis_away: None) -> None:
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"postgres": True, "redis": False, "migrations": True}


def test_not_ready_before_the_migrations_ran() -> None:
    health._all_applied.cache_clear()
    MigrationRecorder.Migration.objects.filter(app="replay").order_by("-id")[0].delete()
    assert not health.migrated()
    assert not health.database_status()["migrated"]


# --- metrics -----------------------------------------------------------------------------------------


def scrape(client: APIClient) -> dict[tuple[str, ...], float]:
    """(name, labels…) → value, as Prometheus's own parser reads it."""
    answer = client.get("/metrics", HTTP_ACCEPT="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_metrics_tell_how_each_session_fares() -> None:
    renewed = timezone.now() - dt.timedelta(seconds=3)
    session = a_session("AAPL", "MSFT", speed=60, real_speed=59.5, bars_held=780, lease_renewed_at=renewed)
    redis_client.connection().flushdb()
    seen = scrape(log_in("view_session", "view_bar"))
    pk = str(session.pk)
    assert seen["tapedeck_session_speed_target", pk] == 60
    assert seen["tapedeck_session_speed_real", pk] == 59.5
    assert seen["tapedeck_session_clock_seconds", pk] == session.run.clock.timestamp()
    assert seen["tapedeck_session_symbols", pk] == 2
    assert seen["tapedeck_session_quality", pk] == 1
    assert seen["tapedeck_session_bars_held", pk] == 780
    assert seen["tapedeck_session_stream_entries", pk] == 0
    assert seen["tapedeck_session_lease_age_seconds", pk] >= 3
    assert seen["tapedeck_sessions", "running"] == 1
    assert seen["tapedeck_sessions", "failed"] == 0
    assert seen["tapedeck_service_up", "postgres"] == seen["tapedeck_service_up", "redis"] == 1


def test_metrics_tell_workers_upkeep_and_clock_error() -> None:
    seen_at = timezone.now() - dt.timedelta(seconds=40)
    ServiceHeartbeat.objects.create(name="upkeep", kind="upkeep", pid=1, seen_at=seen_at, detail={"seconds": 0.4})
    ServiceHeartbeat.objects.create(name="r", kind="replay", pid=1, capacity=9, in_use=1, seen_at=seen_at)
    session = a_session("AAPL", moving={"late": 0.012}, clock_error=25.0)
    seen = scrape(log_in("view_session", "view_bar"))
    assert seen["tapedeck_heartbeat_age_seconds", "upkeep", "upkeep"] >= 40
    assert (seen["tapedeck_worker_slots", "replay", "r"], seen["tapedeck_worker_slots_used", "replay", "r"]) == (9, 1)
    assert seen["tapedeck_session_clock_error_seconds", str(session.pk)] == 0.012
    assert seen["tapedeck_session_clock_error_p99_seconds", str(session.pk)] == 0.025
    assert seen["tapedeck_upkeep_seconds",] == 0.4


def test_metrics_tell_no_speed_of_a_session_that_stands() -> None:
    session = a_session("AAPL", state=State.PAUSED, real_speed=59.5, clock_error=25.0)
    seen = scrape(log_in("view_session", "view_bar"))
    assert seen["tapedeck_session_speed_target", str(session.pk)] == session.speed
    assert ("tapedeck_session_speed_real", str(session.pk)) not in seen
    assert ("tapedeck_session_clock_error_p99_seconds", str(session.pk)) not in seen


def test_metrics_cost_the_same_for_more_sessions(django_assert_max_num_queries: Any) -> None:
    session = a_session("AAPL")
    for _ in range(20):
        session.pk = None
        session.save(force_insert=True)
    client = log_in("view_session")
    with django_assert_max_num_queries(8):
        assert scrape(client)["tapedeck_sessions", "running"] == 21


def test_metrics_without_redis_say_so(redis_away: None) -> None:
    a_session("AAPL")
    seen = scrape(log_in("view_session", "view_bar"))
    assert seen["tapedeck_service_up", "redis"] == 0


def test_metrics_are_closed_to_strangers() -> None:
    assert_problem(APIClient().get("/metrics"), 401)
    assert_problem(log_in().get("/metrics"), 403)


# --- how often ---------------------------------------------------------------------------------------


def test_who_asks_too_often_is_reported_when_to_come_back(settings: Any) -> None:
    settings.API_RATES = {**settings.API_RATES, "caller": 2}
    client = log_in("view_session")
    answers = [client.get("/api/sessions/") for _ in range(6)]  # in two minutes at the most
    refused = next(answer for answer in answers if answer.status_code != 200)
    assert_problem(refused, 429)
    assert 0 < int(refused["Retry-After"]) <= 60


def test_passwords_are_not_tried_without_end(settings: Any) -> None:
    settings.API_RATES = {**settings.API_RATES, "login": 3}
    body = {"username": "ada", "password": "guess"}
    answers = [APIClient().post("/api/token/", body, format="json") for _ in range(8)]
    assert 429 in {answer.status_code for answer in answers}


def test_without_redis_the_api_answers_all_the_same(redis_away: None) -> None:
    assert log_in("view_session").get("/api/sessions/").status_code == 200
