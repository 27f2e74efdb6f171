"""A real server for the broker's own client: uvicorn on the test database, and a replay that it can ask about."""

from __future__ import annotations

import datetime as dt
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from marketdata import calendar
from sessions import control, keys
from sessions.models import Session, SessionKey
from streaming.starts import service
from streaming.starts.request import StartRequest
from tests.gateway.bots import bot  # noqa: F401 - a fixture
from tests.streaming.playing import await_clock
from tests.workers import ROOT, StartWorker, database_url

DAY = dt.date(2025, 7, 2)


@dataclass(frozen=True)
class Server:
    host: str

    @property
    def base(self) -> str:
        """What a client is given instead of the broker's address."""
        return f"http://{self.host}/alpaca"

    @property
    def stream(self) -> str:
        return f"ws://{self.host}/alpaca/v2/iex"


@dataclass(frozen=True)
class Bound:
    """A session and a key to it."""

    session: Session
    key_id: str
    secret: str


StartServer = Callable[..., Server]
StartReplay = Callable[..., Bound]


@pytest.fixture
def start_server(transactional_db: None, tmp_path: Path) -> Iterator[StartServer]:
    started: list[subprocess.Popen[bytes]] = []

    def start(**environment: str) -> Server:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        env = {**os.environ, "DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL, **environment}
        command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", str(port)]
        with (tmp_path / "web.log").open("wb") as out:
            process = subprocess.Popen([*command, "--lifespan", "off"], cwd=ROOT, env=env, stdout=out, stderr=out)
        started.append(process)
        server = Server(f"127.0.0.1:{port}")
        _await_answer(server, process, tmp_path / "web.log")
        return server

    yield start
    for process in started:
        process.terminate()
    for process in started:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_answer(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.base}/v2/clock", timeout=30):
                return
        except urllib.error.HTTPError:
            return  # without a key it refuses, in good health
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the web server did not come up:\n{log.read_text()}")


@pytest.fixture
def start_replay(start_worker: StartWorker, real_days: str) -> StartReplay:
    """A replay of real days that has come `minutes` far into the first and then goes on at `speed`; 0 pauses it."""

    def start(minutes: int, speed: float, symbols: tuple[str, ...] = ("AAPL", "MSFT")) -> Bound:
        start_worker()
        return begin(StartRequest(symbols, DAY, dt.date(2025, 7, 3)), minutes, speed)

    return start


def begin(request: StartRequest, minutes: int, speed: float) -> Bound:
    with override_settings(LOADED_TIMEOUT=120.0):
        session = service.start(replace(request, speed=1200.0)).session
    assert request.date is not None
    await_clock(session, calendar.trading_day(request.date).open + dt.timedelta(minutes=minutes))
    if speed:
        control.set_speed(session.pk, speed)
    else:
        control.pause(session.pk)
    key, secret = keys.create(session, SessionKey.Kind.BROKER)
    return Bound(session, key.key_id, secret)
