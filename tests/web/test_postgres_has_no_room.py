"""A Postgres that answers and does not do it: who asks is answered in its words, not that it is away."""

from __future__ import annotations

from io import StringIO

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from gateway.wire.wire_errors import as_refusal
from sessions.models import Session
from sessions.postgres_faults import fault, refusal
from tests.streaming.callers import ALL, assert_problem, log_in
from tests.streaming.rows import a_session
from tests.workers import full_disk

pytestmark = pytest.mark.django_db(transaction=True)
SAID = "Postgres takes nothing (could not extend file: No space left on device): make room on its disk"


def test_the_api_and_a_command_say_that_there_is_no_room() -> None:
    session = a_session("AAPL")
    client = log_in(*ALL)
    with full_disk("replay_session"):
        answer = client.post(f"/api/sessions/{session.pk}/pause/")
        assert assert_problem(answer, 503)["detail"] == f"{SAID}."
        with pytest.raises(CommandError, match="make room on its disk"):
            call_command("pause_session", str(session.pk), stdout=StringIO())
    assert not Session.objects.get(pk=session.pk).paused
    assert client.post(f"/api/sessions/{session.pk}/pause/").status_code < 300


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("53100", "make room on its disk"),
        ("53200", "more memory"),
        ("53300", "max_connections"),
        ("53400", "see its log"),
    ],
)
def test_each_lack_has_a_way_out(state: str, says: str) -> None:
    session = a_session("AAPL")
    with full_disk("replay_session", state=state), pytest.raises(OperationalError) as raised:
        Session.objects.filter(pk=session.pk).update(paused=True)
    assert says in refusal(raised.value)
    assert as_refusal(raised.value).message == fault(raised.value) == refusal(raised.value)


def test_a_statement_that_was_ended_is_no_refusal_and_no_absence() -> None:
    with pytest.raises(OperationalError) as raised, connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 50; SELECT pg_sleep(5)")
    connection.close()
    assert refusal(raised.value) == ""
    assert fault(raised.value).startswith("Postgres did not finish it (canceling statement due to statement timeout")


def test_no_answer_is_no_refusal() -> None:
    gone = OperationalError("server closed the connection unexpectedly")
    gone.__cause__ = psycopg.OperationalError("server closed the connection unexpectedly")
    ended = OperationalError("terminating connection due to administrator command")
    ended.__cause__ = psycopg.errors.AdminShutdown("terminating connection due to administrator command")
    assert [refusal(error) for error in (gone, ended)] == ["", ""]
    assert [fault(error) for error in (gone, ended)] == ["Postgres does not answer"] * 2


def test_a_connection_that_a_full_disk_refuses_is_no_absence() -> None:
    words = "connection failed: FATAL:  could not write init file: No space left on device"
    assert fault(psycopg.OperationalError(words)).endswith("make room on its disk")


def test_a_pool_that_is_in_use_is_no_server_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    connection.close()
    pool = connection.pool
    monkeypatch.setattr(pool, "timeout", 0.2)
    taken = [pool.getconn() for _ in range(pool.max_size)]
    try:
        with pytest.raises(OperationalError) as raised:
            Session.objects.exists()
        assert fault(raised.value) == "All connections of this process to Postgres are in use: raise DATABASE_POOL"
    finally:
        for one in taken:
            pool.putconn(one)


def test_a_server_that_lets_nobody_else_in_says_which_setting_keeps_it() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
    try:
        with pytest.raises(psycopg.OperationalError) as raised:
            psycopg.connect(**connection.get_connection_params() | {"user": "crowded"})
        assert "too many connections for role" in fault(raised.value) and "max_connections" in fault(raised.value)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP ROLE crowded")
