"""Verifications that upkeep's workers do: asked for at the API, once each, and lost by no fault."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from django.core.management import call_command
from django.db import OperationalError, connection, connections

from marketdata.locks import Locks, alone
from sessions.models import Session, Verification
from streaming.engine.playing.player import Player
from streaming.tasks import run_upkeep
from streaming.verify import jobs
from tests.streaming.callers import assert_problem, log_in
from tests.streaming.playing import FIRST, wait_until
from tests.streaming.test_verify import play, tamper
from tests.workers import StartWorker

pytestmark = pytest.mark.django_db(transaction=True)
MINUTES = 391


@pytest.fixture
def played(player: Player, real_days: str) -> Session:
    """One real day of two symbols, played to its end."""
    return play(until=FIRST)


def test_the_api_has_a_session_verified_for_analysts_only(played: Session) -> None:
    address = f"/api/sessions/{played.pk}/verifications/"
    analyst = log_in("view_session", "view_bar")
    asked = analyst.post(address)
    assert (asked.status_code, asked.json()["state"], asked.json()["report"]) == (202, "waiting", None)
    again = analyst.post(address)
    assert again.json()["id"] == asked.json()["id"], "one that is under way is answered"
    assert jobs.work() == 1
    body = analyst.get(asked["Location"]).json()
    report = body["report"]
    assert (body["state"], body["ok"], body["requested_by"]) == ("done", True, asked.json()["requested_by"])
    assert (report["ok"], report["chain"], report["generations"][0]["frames"]) == (True, played.run.chain, MINUTES)
    assert [row["id"] for row in analyst.get(address).json()["results"]] == [body["id"]]
    assert analyst.post(address).json()["id"] != body["id"], "a later one is a new one"
    outsider = log_in("view_session")
    for answer in (outsider.post(address), outsider.get(address), outsider.get(asked["Location"])):
        assert_problem(answer, 403, "marketdata.view_bar")
    assert_problem(analyst.post("/api/sessions/99/verifications/"), 404)
    assert_problem(analyst.get(f"{address}999/"), 404)


def test_what_differs_is_in_the_row_and_among_the_events(played: Session) -> None:
    tamper("MSFT", FIRST, 100, "close", 1.0)
    row = jobs.ask(played.pk, by="anna")
    assert jobs.work() == 1
    row.refresh_from_db()
    assert (row.state, row.ok, row.verdict) == ("done", False, "differs")
    assert row.outcome.startswith("differs: ") and "the chain is" in row.outcome
    event = played.events.get(kind="verification")
    assert (event.level, event.message) == ("error", row.outcome)


def test_one_at_a_time_in_the_whole_installation(played: Session) -> None:
    jobs.ask(played.pk)
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, 0)", [Locks.VERIFYING])
            assert jobs.work() == 0
            assert jobs.unfinished(), "it waits for the one that is at it"
            cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [Locks.VERIFYING])
    finally:
        other.close()
    assert jobs.work() == 1


def test_one_whose_worker_died_is_done_again_and_not_for_ever(played: Session) -> None:
    row = jobs.ask(played.pk)
    Verification.objects.update(state="running", tries=1)
    assert jobs.work() == 1
    row.refresh_from_db()
    assert (row.verdict, row.tries) == ("verified", 2)
    deadly = jobs.ask(played.pk)
    Verification.objects.filter(pk=deadly.pk).update(state="running", tries=jobs.MOST_TRIES)
    assert jobs.work() == 0
    deadly.refresh_from_db()
    assert (deadly.state, deadly.reason) == ("failed", "given up after 3 tries: its worker died each time")


@pytest.mark.parametrize("error", [OperationalError("gone"), redis.ConnectionError("gone")])
def test_a_server_that_is_away_loses_none(played: Session, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    row = jobs.ask(played.pk)

    def away(session_id: int) -> Any:
        raise error

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(jobs.verifying, "verify", away)
        with pytest.raises(type(error)):
            jobs.work()
    row.refresh_from_db()
    assert row.unfinished
    assert ("Redis does not answer" in row.reason) == isinstance(error, redis.RedisError)
    with alone(Locks.VERIFYING, 0) as free:
        assert free
    assert jobs.work() == 1
    row.refresh_from_db()
    assert (row.verdict, row.reason) == ("verified", "")


def test_one_that_postgres_ends_each_time_is_given_up_with_its_words(played: Session) -> None:
    row = jobs.ask(played.pk)
    for _ in range(jobs.MOST_TRIES):
        connection.close()
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 200")
            cursor.execute("SET lock_timeout = 50")
        with locked_table("replay_pin"), pytest.raises(OperationalError, match="lock timeout"):
            jobs.work()
        connection.close()
    assert jobs.work() == 0
    row.refresh_from_db()
    assert (row.state, row.reason) == (
        "failed",
        "given up after 3 tries: Postgres did not finish it (canceling statement due to lock timeout): "
        "it may do so the next time",
    )


@contextmanager
def locked_table(name: str) -> Iterator[None]:
    other = connections.create_connection("default")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
        yield
    finally:
        other.rollback()
        other.close()


def test_a_defect_ends_that_one_alone(played: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, whole = jobs.ask(played.pk), jobs.ask(play(until=FIRST).pk)
    real = jobs.verifying.verify

    def verify(session_id: int) -> Any:
        if session_id == broken.session_id:
            raise ZeroDivisionError("oops")
        return real(session_id)

    monkeypatch.setattr(jobs.verifying, "verify", verify)
    assert jobs.work() == 2
    broken.refresh_from_db()
    whole.refresh_from_db()
    assert (broken.state, whole.verdict) == ("failed", "verified")
    assert "ZeroDivisionError('oops')" in broken.reason and "upkeep worker's log" in broken.reason


def test_the_command_keeps_what_it_found(played: Session) -> None:
    call_command("verify_session", played.pk, "--json", verbosity=0)
    row = Verification.objects.get(session=played)
    assert (row.verdict, row.report["chain"]) == ("verified", played.run.chain)


def test_a_worker_does_what_was_asked_for(played: Session, start_worker: StartWorker) -> None:
    """Asked for while no upkeep worker is there, and its message lost: beat's next round finds it."""
    row = Verification.objects.create(session=played)
    start_worker("upkeep")
    run_upkeep.apply_async()
    wait_until(played, lambda _: not Verification.objects.get(pk=row.pk).unfinished)
    assert Verification.objects.get(pk=row.pk).verdict == "verified"
