"""A server with a session that the tests play by hand, and clients of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token

from sessions import keys
from tapedeck_client import Account, Client, Session
from tests.streaming.paper import Paper
from tests.web_server import WebServer
from tests.workers import StartWorker


@pytest.fixture(scope="session")
def web(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """One for all tests of a process: their sessions have numbers of their own."""
    server = WebServer(tmp_path_factory.mktemp("web"), LOCKSTEP_TTL="2")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_web(transactional_db: None, tmp_path: Path) -> Iterator[WebServer]:
    """One that the test may kill."""
    server = WebServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def paper(transactional_db: None) -> Paper:
    return Paper("AAPL", "MSFT")


@pytest.fixture
def key(paper: Paper) -> str:
    """Of a reader of the session."""
    made, secret = keys.create(paper.session)
    return f"{made.key_id}.{secret}"


@pytest.fixture
def token(transactional_db: None) -> str:
    """Of an account that may do everything."""
    return str(Token.objects.create(user=User.objects.create_superuser("admin", password="secret")).key)


@pytest.fixture
def reader(web: WebServer, key: str) -> Iterator[Client]:
    with Client(web.url, key=key) as client:
        yield client


@pytest.fixture
def owner(web: WebServer, token: str) -> Iterator[Client]:
    with Client(web.url, token=token) as client:
        yield client


@pytest.fixture
def session(start_worker: StartWorker, owner: Client) -> Session:
    """Five minutes into its day, at rest."""
    start_worker()
    made = owner.start(["AAPL", "MSFT"], date="2025-07-02", provider="synthetic", paused=True)
    made.wait()
    made.step(5)
    made.settle()
    return made


@pytest.fixture
def account(session: Session) -> Account:
    return session.open_account("swing", cash=25_000)
