"""A Redis that answers and takes nothing: who asks is answered in its words, and nothing is half done."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from kombu.exceptions import OperationalError as BrokerError

from sessions import control
from sessions.models import Session, StartKey, State
from sessions.redis_client import connection as redis_connection
from sessions.redis_faults import fault, refusal
from tests.streaming.callers import ALL, assert_problem, log_in
from tests.streaming.rows import a_session
from tests.web.test_idempotency import start

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = "raise its maxmemory, or stop what else fills it"


def test_a_start_fails_with_the_reason_and_leaves_its_key_free(full_redis: None) -> None:
    client = log_in(*ALL)
    assert WORDS in assert_problem(start(client, "a"), 503)["detail"]
    session = Session.objects.get()
    assert session.state == State.FAILED and WORDS in session.reason
    assert not StartKey.objects.exists()
    redis_connection().config_set("maxmemory", "0")
    assert start(client, "a").status_code == 202


@pytest.mark.parametrize("verb", ["restart", "fork"])
def test_buttons_are_answered_in_a_sentence(full_redis: None, verb: str) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("boss"))
    answer: Any = client.post(f"/admin/replay/session/{a_session('AAPL').pk}/{verb}/")
    assert answer.status_code == 503 and WORDS in answer.json()["detail"]


def test_what_is_asked_of_a_session_is_on_its_row(full_redis: None) -> None:
    session = a_session("AAPL", state=State.CREATED)
    control.stop(session.pk)
    session.refresh_from_db()
    assert session.state == State.STOPPED and not session.streams.filter(active=True).exists()
    played, out = a_session("MSFT"), StringIO()
    call_command("pause_session", str(played.pk), stdout=out)
    assert Session.objects.get(pk=played.pk).paused


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (redis.exceptions.OutOfMemoryError("command not allowed"), "raise its maxmemory"),
        (redis.exceptions.ReadOnlyError("You can't write against a read only replica."), "name the primary"),
        (redis.ResponseError("MISCONF Errors writing to the AOF file"), "free space"),
        (redis.AuthenticationError("Authentication required."), "REDIS_URL"),
        (redis.exceptions.NoPermissionError("no permissions to run the 'xadd' command"), "all commands"),
        (redis.BusyLoadingError("Redis is loading the dataset in memory"), "still loading"),
        (redis.ResponseError("something new"), "see its log"),
    ],
)
def test_a_refusal_has_a_way_out(error: redis.RedisError, says: str) -> None:
    assert says in refusal(error)
    queued = BrokerError("queue")
    queued.__cause__ = error
    assert fault(queued) == refusal(error)


def test_no_answer_is_no_refusal() -> None:
    assert [refusal(error) for error in (redis.ConnectionError("gone"), redis.TimeoutError("slow"))] == ["", ""]
    assert fault(redis.ConnectionError("gone")) == "Redis does not answer"
