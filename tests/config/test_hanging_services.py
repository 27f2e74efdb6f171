"""Services that hang, which is worse than being away: whoever asks gets an answer in time."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from config import addresses
from config.embedded.postgres import Postgres
from config.embedded.valkey import Valkey
from sessions import redis_client
from streaming.status import redis_status
from tests.streaming.callers import log_in

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not settings.EMBEDDED_POSTGRES, reason="needs servers that it may stop"),
]


@contextmanager
def stopped(*processes: psutil.Process) -> Iterator[None]:
    """Their sockets stay open, and nothing answers."""
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


def postgres_processes() -> list[psutil.Process]:
    postmaster = Postgres(Path(settings.VAR_DIR))._postmaster()
    assert postmaster is not None
    return [postmaster, *postmaster.children()]


def valkey_process() -> psutil.Process:
    process = Valkey(Path(settings.VAR_DIR))._process()
    assert process is not None
    return process


def ready() -> tuple[int, dict[str, bool], float]:
    """(status, checks, seconds) of `/readyz`."""
    began = time.monotonic()
    answer = Client().get("/readyz")
    return answer.status_code, answer.json()["checks"], time.monotonic() - began


def test_readiness_answers_in_time_while_postgres_hangs_and_again_after_it() -> None:
    with stopped(*postgres_processes()):
        for _ in range(2):
            status, checks, seconds = ready()
            assert (status, checks["postgres"], checks["redis"]) == (503, False, True)
            assert seconds < 4
    end = time.monotonic() + 20
    while ready()[0] != 200:
        assert time.monotonic() < end
        time.sleep(0.1)


def test_requests_go_on_without_redis_and_do_not_wait_for_it_one_by_one() -> None:
    client = log_in("view_session")
    assert client.get("/api/sessions/").status_code == 200
    with stopped(valkey_process()):
        began, seconds = time.monotonic(), []
        while time.monotonic() - began < 6:
            asked = time.monotonic()
            assert client.get("/api/sessions/").status_code == 200
            seconds.append(time.monotonic() - asked)
        assert not redis_status()["ok"]
    assert max(seconds) < 3.5, "one request pays for finding out"
    assert sorted(seconds)[len(seconds) // 2] < 0.5, "and the others do not"
    time.sleep(redis_client.AWAY_SECONDS)
    assert redis_status()["ok"], "and it is asked again once it may be back"


def test_a_server_that_refuses_is_not_asked_again_at_once(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.connection.cache_clear()
    try:
        first, second = redis_status()["detail"], redis_status()["detail"]
        assert "refused" in first
        assert second.startswith("Redis did not answer a moment ago") and "refused" in second
    finally:
        redis_client.connection.cache_clear()


def test_waits_for_postgres_are_bounded_also_where_its_packets_are_dropped() -> None:
    options: dict[str, Any] = settings.DATABASES["default"]["OPTIONS"]  # type: ignore[assignment]
    assert int(options["connect_timeout"]) <= 5
    assert int(options["tcp_user_timeout"]) <= 10_000


def test_a_process_that_is_frozen_in_a_transaction_does_not_keep_its_locks() -> None:
    made: dict[str, Any] = addresses.database("postgresql:///tapedeck", pool=1)
    here: dict[str, Any] = connection.settings_dict
    names = {"dbname": here["NAME"], "host": here["HOST"], "port": here["PORT"] or None, "user": here["USER"]}
    options = {"password": here["PASSWORD"] or None, "options": made["OPTIONS"]["options"]}
    with psycopg.connect(**names, **options) as reached:
        assert reached.execute("SHOW idle_in_transaction_session_timeout").fetchone() == ("15s",)
