"""Servers, rows and workers of the benchmarks' own, under var/bench; kept from one run to the next."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from config.worker_options import QUIET

ROOT = Path(__file__).resolve().parents[1]
VAR = ROOT / "var" / "bench"
FIRST = dt.date(2025, 6, 2)


def enter() -> None:
    """Choose the folder before Django reads its settings, then start the servers and bring the schema up to date."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ["VAR_DIR"] = str(VAR)
    import django

    django.setup()
    from django.core.management import call_command

    from config.embedded import services

    services.start()
    call_command("migrate", verbosity=0, interactive=False)
    _forget_sessions()


def _forget_sessions() -> None:
    """Of earlier runs: a worker would take up those that were cut off, and their frames stay in memory."""
    from sessions.models import Session
    from sessions.redis_client import connection

    Session.objects.all().delete()
    connection().flushdb()


def leave() -> None:
    from django.db import connections

    from config.embedded import services

    connections.close_all()
    services.stop()


def symbols(count: int) -> tuple[str, ...]:
    return tuple(f"B{number:03d}" for number in range(count))


def ensure_days(names: Sequence[str], days: int) -> tuple[str, dt.date, dt.date, int]:
    """See that the store has that many synthetic days; returns dataset, first day, last day, bars."""
    from marketdata import calendar, store
    from marketdata.providers.base import get_provider, provider_dataset
    from marketdata.providers.synthetic import make_day
    from marketdata.store import NewDay

    dataset = provider_dataset(get_provider("synthetic"))
    ids = store.ensure_instruments(names)
    window = calendar.trading_days(FIRST, FIRST + dt.timedelta(days=2 * days + 10))[:days]
    bars = 0
    for day in window:
        missing = sorted(set(names) - store.have(dataset.pk, day.date, names))
        store.write_days(dataset.pk, [NewDay(ids[name], day.date, make_day(name, day)) for name in missing])
        bars += sum(len(stored.bars) for stored in store.load_day(dataset.pk, day.date, list(names)).values())
    return dataset.name, window[0].date, window[-1].date, bars


@contextmanager
def web(port: int = 8018) -> Iterator[tuple[str, str]]:
    """A web process as `manage.py up` starts it; yields its address and a token for it."""
    import httpx
    from django.contrib.auth.models import User
    from rest_framework.authtoken.models import Token

    user, _ = User.objects.get_or_create(username="benchmark", defaults={"is_superuser": True})
    token, _ = Token.objects.get_or_create(user=user)
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(port), "--lifespan", "off"]
    with (VAR / "log" / "web.log").open("wb") as out:
        process = subprocess.Popen([*command, "--log-level", "warning"], cwd=ROOT, stdout=out, stderr=out)
    try:
        end = time.monotonic() + 90
        while not _answers(httpx, address):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the web process did not come up: see {VAR}/log/web.log")
            time.sleep(0.1)
        yield address, token.key
    finally:
        process.terminate()
        process.wait(30)


def _answers(httpx: ModuleType, address: str) -> bool:
    try:
        return bool(httpx.get(f"{address}/healthz", timeout=2).status_code == 200)
    except httpx.HTTPError:
        return False


@contextmanager
def worker(**environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A replay worker process as `manage.py up` starts it, up and seen."""
    from sessions.models import ServiceHeartbeat

    log = VAR / "log" / "replay.log"
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "-Q", "replay,starts", "--pool", "threads"]
    command += ["--concurrency", "4", *QUIET, "--loglevel", "WARNING"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=out, stderr=out)
    try:
        end = time.monotonic() + 90
        while not ServiceHeartbeat.objects.filter(kind="replay", pid=process.pid).exists():
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the worker did not come up: see {log}")
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(30)
