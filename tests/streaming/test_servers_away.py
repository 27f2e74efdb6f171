"""Servers that end connections or refuse frames: a session waits, says why, and goes on by itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from sessions import control
from sessions.models import Session, State
from sessions.redis_client import connection as redis_connection
from streaming.verify.session import verify
from tests.streaming.playing import durable, read_all, start, wait_until
from tests.workers import Player, full_disk

pytestmark = pytest.mark.django_db(transaction=True)
END_THE_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture
def postgres_that_ends_connections() -> Iterator[None]:
    """Every connection but its own is ended ten times a second, as a restart would; forty times in all."""
    done = threading.Event()

    def end_them() -> None:
        with connection.cursor() as cursor:
            for _ in range(40):
                cursor.execute(END_THE_OTHERS)
                if done.wait(0.1):
                    break
        connection.close()

    thread = threading.Thread(target=end_them)
    thread.start()
    yield
    done.set()
    thread.join()


def test_a_session_outlives_connections_that_end_at_any_moment(
    player: Player, real_days: str, request: pytest.FixtureRequest
) -> None:
    session = start("AAPL", "IBM", "MSFT", speed=6000.0)
    request.getfixturevalue("postgres_that_ends_connections")
    pk = session.pk
    for _ in range(60):
        try:
            wait_until(session, lambda s: not s.is_live, seconds=1)
            break
        except Exception:  # noqa: BLE001 - this process's own connections are ended too
            connection.close()
        except pytest.fail.Exception:
            continue
    connection.close()
    session.refresh_from_db()
    if session.is_live:
        control.set_speed(pk, 0.0)
        wait_until(session, lambda s: not s.is_live)
    assert (session.state, session.reason) == (State.COMPLETED, "")
    assert verify(pk).problems == []
    assert len(durable(read_all(pk))) == session.run.frame_count


def test_a_redis_that_wants_a_password_is_the_reason_until_it_does_not(player: Player, real_days: str) -> None:
    session = start(speed=600.0)
    client = redis_connection()
    wait_until(session, lambda s: s.run.frame_id)
    client.config_set("requirepass", "secret")
    client.client_kill_filter(_type="normal", skipme=True)
    try:
        wait_until(session, lambda s: s.reason)
        assert session.reason.startswith("Redis takes nothing (")
        assert session.reason.endswith("put its user and password into REDIS_URL")
    finally:
        client.config_set("requirepass", "")
    control.set_speed(session.pk, 0.0)
    wait_until(session, lambda s: not s.is_live)
    assert (session.state, session.reason) == (State.COMPLETED, "")


def test_a_redis_that_is_full_is_the_reason_until_it_is_not(
    player: Player, real_days: str, request: pytest.FixtureRequest
) -> None:
    session = start(speed=600.0)
    request.getfixturevalue("full_redis")
    wait_until(session, lambda s: s.reason)
    assert session.reason.startswith("Redis takes nothing (") and session.reason.endswith(
        "raise its maxmemory, or stop what else fills it"
    )
    assert session.state == State.RUNNING
    redis_connection().config_set("maxmemory", "0")
    control.set_speed(session.pk, 0.0)
    wait_until(session, lambda s: not s.is_live)
    assert (session.state, session.reason) == (State.COMPLETED, "")
    assert session.events.filter(kind="waiting").count() == 1
    assert verify(session.pk).problems == []


NO_ROOM = "Postgres takes nothing (could not extend file: No space left on device): make room on its disk"


def plays_to_its_end(session: Session) -> None:
    control.set_speed(session.pk, 0.0)
    wait_until(session, lambda s: not s.is_live)
    assert (session.state, session.reason) == (State.COMPLETED, "")
    assert verify(session.pk).problems == []
    assert len(durable(read_all(session.pk))) == session.run.frame_count


def test_a_disk_that_is_full_is_the_reason_of_a_change_of_days_until_there_is_room(
    player: Player, real_days: str, settings: Any
) -> None:
    """There is room for the row and its events, and none for what a day takes."""
    settings.LEASE_TTL = 1.0
    session = start(speed=600.0)
    wait_until(session, lambda s: s.run.frame_id)
    with full_disk("replay_daymark", "replay_journalentry"):
        control.set_speed(session.pk, 0.0)
        wait_until(session, lambda s: s.reason)
        assert (session.reason, session.state) == (NO_ROOM, State.RUNNING)
        wait_until(session, lambda s: s.events.filter(kind="waiting", message=NO_ROOM).exists())  # the row is first
    plays_to_its_end(session)


def test_a_session_stands_still_while_there_is_no_room_for_where_it_stands(player: Player, real_days: str) -> None:
    """Frames without a position would have to be made again by whoever takes it over, and nobody would be warned."""
    session = start(speed=60.0)
    wait_until(session, lambda s: s.run.frame_id)
    with full_disk("replay_run"):
        wait_until(session, lambda s: s.reason)
        assert (session.reason, session.state) == (NO_ROOM, State.RUNNING)
        stands = player.playing[session.pk].output.prev
        time.sleep(2.5)
        assert player.playing[session.pk].output.prev == stands
    plays_to_its_end(session)


def test_without_room_for_the_reason_itself_a_session_waits_all_the_same(
    player: Player, real_days: str, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.LEASE_TTL = 1.0
    session = start(speed=600.0)
    wait_until(session, lambda s: s.run.frame_id)
    with full_disk("replay_session", "replay_sessionevent", "replay_run", "replay_daymark"):
        end = time.monotonic() + 20
        while f"waits: {NO_ROOM}" not in caplog.text and time.monotonic() < end:
            time.sleep(0.05)
        assert f"Session {session.pk} waits: {NO_ROOM} (Postgres has no room for that either" in caplog.text
        session.refresh_from_db()
        assert session.state == State.RUNNING
    plays_to_its_end(session)


def test_a_statement_that_was_ended_is_the_reason_and_tried_again(player: Player, real_days: str) -> None:
    """A deadlock's victim, say: no defect, which would fail it, and not without a word either."""
    session = start(speed=600.0)
    wait_until(session, lambda s: s.run.frame_id)
    with full_disk("replay_journalentry", state="40P01"):
        control.set_speed(session.pk, 0.0)
        wait_until(session, lambda s: s.events.filter(kind="waiting").exists())
        assert session.events.filter(kind="waiting").latest("pk").message.startswith("Postgres did not finish it (")
        assert session.is_live
    plays_to_its_end(session)
