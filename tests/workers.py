"""Real workers for the tests: Celery processes on the test database and the test Redis."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from redis.exceptions import OutOfMemoryError

from config.worker_options import QUIET
from sessions.models import ServiceHeartbeat
from sessions.redis_client import connection as redis_connection
from streaming.engine.playing import relief
from streaming.engine.playing.player import Player

ROOT = Path(__file__).resolve().parents[1]
STARTS = "tapedeck:celery:starts"
"""The key of the queue that starts are in."""
QUEUES = {"replay": "replay,starts", "upkeep": "upkeep"}
"""Kind of worker → what it consumes."""
StartWorker = Callable[..., subprocess.Popen[bytes]]


def database_url() -> str:
    """The test database as pytest-django made it, in libpq's form."""
    given = connection.settings_dict
    host = f"?host={given['HOST']}" + (f"&port={given['PORT']}" if given["PORT"] else "")
    password = f":{given['PASSWORD']}" if given["PASSWORD"] else ""
    return f"postgresql://{given['USER']}{password}@/{given['NAME']}{host}"


@pytest.fixture
def start_worker(transactional_db: None, tmp_path: Path) -> Iterator[StartWorker]:
    """Start a worker process; a replay worker is waited for until it says that it is there."""
    redis_connection().flushdb()
    started: list[subprocess.Popen[bytes]] = []

    def start(queue: str = "replay", **environment: str) -> subprocess.Popen[bytes]:
        env = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "REDIS_URL": settings.REDIS_URL,
            "LEASE_TTL": "3",
            **environment,
        }
        log = tmp_path / f"{queue}-{len(started)}.log"
        command = [sys.executable, "-m", "celery", "-A", "config", "worker", "-Q", QUEUES[queue], "--pool", "threads"]
        command += ["--concurrency", "4", "-n", f"{queue}{len(started)}@test", *QUIET]
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
        started.append(process)
        if queue == "replay":  # upkeep's says that it is there for beat alone
            _await_heartbeat(process, tmp_path)
        return process

    yield start
    for process in started:
        process.send_signal(signal.SIGCONT)
        process.terminate()
    for process in started:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def player(transactional_db: None) -> Iterator[Player]:
    """What a replay worker runs, in this process: for tests that need somebody to play, and kill nobody."""
    with playing() as here:
        yield here


@contextmanager
def playing(usage: relief.Usage | None = None, *, empty: bool = True) -> Iterator[Player]:
    """With an empty Redis, unless what was published before matters."""
    if empty:
        redis_connection().flushdb()
    here = Player(20, look_every=0.1, usage=usage)
    here.start()
    while not ServiceHeartbeat.objects.filter(kind="replay").exists():
        time.sleep(0.02)
    try:
        yield here
    finally:
        here.close()
        here.loader.shutdown()
        connection.close_pool()


def _await_heartbeat(process: subprocess.Popen[bytes], logs: Path) -> None:
    end = time.monotonic() + 90
    while time.monotonic() < end:
        if ServiceHeartbeat.objects.filter(kind="replay", pid=process.pid).exists():
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    message = "\n".join(log.read_text() for log in logs.glob("*.log"))
    pytest.fail(f"the worker did not come up:\n{message}")


@pytest.fixture
def full_redis() -> Iterator[None]:
    """A server that takes no more data."""
    client = redis_connection()
    client.config_set("maxmemory", "1")
    with pytest.raises(OutOfMemoryError):
        client.set("test:full", 1)
    yield
    client.config_set("maxmemory", "0")


@contextmanager
def full_disk(*tables: str, state: str = "53100") -> Iterator[None]:
    """A Postgres that answers, and has no room to write anything in these tables."""
    words = "could not extend file: No space left on device"
    refuse = f"BEGIN RAISE EXCEPTION USING ERRCODE = '{state}', MESSAGE = '{words}'; END"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE OR REPLACE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ {refuse} $$")
        for table in tables:
            trigger = f"CREATE TRIGGER no_room BEFORE INSERT OR UPDATE OR DELETE ON {table}"
            cursor.execute(f"{trigger} FOR EACH STATEMENT EXECUTE FUNCTION no_room()")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"DROP TRIGGER no_room ON {table}")


@pytest.fixture
def real_days(transactional_db: None, market_data: Path) -> str:
    """AAPL and MSFT of June and July 2025, the half day of 07-03 and the holiday after it among them."""
    folder = market_data / "bars" / "exthours_2025"
    call_command("import_bars", str(folder), verbosity=0)
    return "exthours_2025"


@pytest.fixture
def sample_days(transactional_db: None, sample: Path) -> str:
    """AAPL and MSFT, eleven complete sessions from 2016-04-15 to 2016-04-29."""
    call_command("import_bars", str(sample / "bars" / "google_2016"), verbosity=0)
    return "google_2016"
