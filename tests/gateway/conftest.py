"""A real server for the broker's own client: uvicorn on the test database, and a replay that it can ask about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from django.test import override_settings

from marketdata import calendar
from sessions import control, keys
from sessions.models import Session, SessionKey
from streaming.starts import service
from streaming.starts.request import StartRequest
from tests.gateway.bots import bot  # noqa: F401 - a fixture
from tests.streaming.playing import await_clock
from tests.web_server import WebServer
from tests.workers import StartWorker

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
    started: list[WebServer] = []

    def start(**environment: str) -> Server:
        web = WebServer(tmp_path, **environment)
        web.start()
        started.append(web)
        return Server(f"127.0.0.1:{web.port}")

    yield start
    for web in started:
        web.stop()


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
