"""Starts that take long, are interrupted, or whose process dies: none is failed while it lives, none is left behind."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from marketdata.providers.base import BarsAnswer, get_provider
from marketdata.providers.synthetic import SyntheticProvider
from sessions.models import ServiceHeartbeat, Session, State
from streaming.base import queues
from streaming.base.db import connected
from streaming.engine.playing.player import Player
from streaming.starts import opening, service
from streaming.starts.opening import being_opened
from streaming.starts.request import StartRequest
from streaming.upkeep import abandoned
from streaming.upkeep.problems import Problems
from tests.streaming.rows import a_session
from tests.workers import StartWorker, database_url

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
DAY = dt.date(2025, 7, 3)
LONG_AGO = dt.timedelta(hours=1)


class Slow(SyntheticProvider):
    """Answers once it may."""

    may = threading.Event()

    def fetch_bars(self, *args: Any, **options: Any) -> BarsAnswer:
        Slow.may.wait(60)
        return super().fetch_bars(*args, **options)


class Corrupt(SyntheticProvider):
    def fetch_bars(self, *args: Any, **options: Any) -> BarsAnswer:
        raise MemoryError("the archive says that it holds 80 GB")


@pytest.fixture(autouse=True)
def providers(settings: Any) -> Iterator[None]:
    mine = {name.__name__.lower(): {"BACKEND": f"{__name__}.{name.__name__}"} for name in (Slow, Corrupt)}
    settings.MARKETDATA_PROVIDERS = {**settings.MARKETDATA_PROVIDERS, **mine}
    get_provider.cache_clear()
    Slow.may.clear()
    yield
    Slow.may.set()
    get_provider.cache_clear()


def create(provider: str) -> Session:
    return service.create(StartRequest(("AAPL",), DAY, provider=provider, speed=0))


def wait_until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_start_that_is_still_fetching_is_left_alone_however_long_it_takes(player: Player, settings: Any) -> None:
    settings.LOADED_TIMEOUT = 1.0
    session = create("slow")
    starting = threading.Thread(target=connected()(service.open_streams), args=(session, service.quiet))
    starting.start()
    wait_until(lambda: being_opened([session.pk]))
    Session.objects.update(created_at=timezone.now() - LONG_AGO)
    assert not abandoned.queue_again(timezone.now(), Problems())["given_up"]
    began = time.monotonic()
    service.open_queued(session.pk)
    assert time.monotonic() - began < 10, "a second message finds that somebody is at it"
    time.sleep(1.5)
    session.refresh_from_db()
    assert session.state == State.CREATED
    Slow.may.set()
    starting.join(30)
    session.refresh_from_db()
    assert session.run.loaded_at and session.state != State.FAILED
    assert not being_opened([session.pk])


def test_a_second_caller_waits_for_the_first(player: Player, settings: Any) -> None:
    settings.LOADED_TIMEOUT = 1.0
    session = create("slow")
    twin = Session.objects.get(pk=session.pk)
    starting = threading.Thread(target=connected()(service.open_streams), args=(session, service.quiet))
    starting.start()
    wait_until(lambda: being_opened([session.pk]))
    threading.Timer(1.0, Slow.may.set).start()
    assert service.open_streams(twin, service.quiet).skipped == ["AAPL"]
    starting.join(30)


def test_a_second_caller_that_comes_when_all_is_played_finds_what_was_started(player: Player) -> None:
    session = create("synthetic")
    twin = Session.objects.get(pk=session.pk)
    service.open_streams(session, service.quiet)
    wait_until(lambda: Session.objects.get(pk=session.pk).state == State.COMPLETED)
    assert service.open_streams(twin, service.quiet).skipped == ["AAPL"]


def test_a_defect_in_a_start_fails_the_session_with_the_reason() -> None:
    session = create("corrupt")
    service.open_queued(session.pk)
    session.refresh_from_db()
    assert session.state == State.FAILED
    assert "MemoryError: the archive says that it holds 80 GB" in session.reason


def test_a_session_that_is_stopped_while_it_is_fetched_stays_stopped() -> None:
    session = create("slow")
    starting = threading.Thread(target=connected()(service.open_queued), args=(session.pk,))
    starting.start()
    wait_until(lambda: being_opened([session.pk]))
    Session.objects.get(pk=session.pk).move_to(State.STOPPED, reason="by test")
    Slow.may.set()
    starting.join(30)
    session.refresh_from_db()
    assert (session.state, session.reason) == (State.STOPPED, "by test")


# --- a start in a terminal ------------------------------------------------------------------------------


@pytest.fixture
def foreground(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`start_session` of a day that its provider never delivers; a worker is there, or seems to be."""
    ServiceHeartbeat.objects.create(name="replay@test", kind="replay", pid=1, seen_at=Now() + dt.timedelta(minutes=5))
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "REDIS_URL": django_settings.REDIS_URL,
        "MARKETDATA_PROVIDERS": f'{{"slow": {{"BACKEND": "{__name__}.Slow"}}}}',
    }
    command = [sys.executable, "manage.py", "start_session", "AAPL", "--date", f"{DAY}", "--provider", "slow"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    wait_until(lambda: Session.objects.exists() and being_opened([Session.objects.get().pk]))
    yield process
    process.kill()
    process.communicate()


def test_ctrl_c_ends_the_session_with_the_reason(foreground: subprocess.Popen[str]) -> None:
    foreground.send_signal(signal.SIGINT)
    output, _ = foreground.communicate(timeout=20)
    session = Session.objects.get()
    assert foreground.returncode == 130
    assert (session.state, session.reason) == (State.STOPPED, "interrupted while it was being started")
    assert session.active_symbols() == []
    assert "Interrupted" in output


def test_a_start_that_others_see_begun_is_asked_of_a_worker_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no kill falls in between."""
    session, seen = create("corrupt"), list[tuple[set[int], bool]]()
    refresh = Session.refresh_from_db

    def looked(row: Session, *args: Any, **kwargs: Any) -> None:
        seen.append((being_opened([row.pk]), Session.objects.get(pk=row.pk).start_requested))
        refresh(row, *args, **kwargs)

    monkeypatch.setattr(Session, "refresh_from_db", looked)
    with pytest.raises(service.StartError):
        service.open_streams(session, service.quiet)
    assert seen[0] == ({session.pk}, True)


def test_a_start_whose_process_is_killed_is_taken_over_by_a_worker(foreground: subprocess.Popen[str]) -> None:
    foreground.kill()
    session = Session.objects.get()
    wait_until(lambda: not being_opened([session.pk]))
    Session.objects.update(created_at=timezone.now() - dt.timedelta(minutes=1))
    assert abandoned.queue_again(timezone.now(), Problems())["requeued"] == 1


# --- starts and upkeep ----------------------------------------------------------------------------------


def test_a_start_does_not_wait_behind_upkeep(start_worker: StartWorker) -> None:
    """Upkeep's messages wait without end: there is no upkeep worker."""
    start_worker()
    sessions = [create("synthetic") for _ in range(5)]
    for _ in range(100):
        queues.ask_upkeep(sessions[0].pk)
    for session in sessions:
        service.queue_start(session.pk)
    wait_until(lambda: Session.objects.exclude(run__loaded_at=None).count() == 5)
    connection.close()


def test_an_interrupt_in_the_midst_of_a_command_ends_the_session_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(session: Session, say: object) -> None:
        connection.connection.pgconn.send_query(b"SELECT pg_sleep(3)")
        raise KeyboardInterrupt

    monkeypatch.setattr(opening, "_open", cut_off)
    session = a_session("AAPL", state=State.CREATED)
    with pytest.raises(KeyboardInterrupt):
        opening.try_open(session, print)
    session.refresh_from_db()
    assert (session.state, session.reason) == (State.STOPPED, "interrupted while it was being started")
    wait_until(lambda: not being_opened([session.pk]))
