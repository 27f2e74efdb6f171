"""A POST that is repeated because its answer was lost makes no second session."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from celery import Celery
from django.db import connection
from django.http import HttpResponse
from rest_framework.test import APIClient

from config import celery
from sessions.models import Session, StartKey, State
from tests.streaming.callers import ALL, assert_problem, log_in
from tests.streaming.rows import a_session

pytestmark = pytest.mark.django_db
START = {"symbols": ["AAPL"], "date": "2025-07-02", "provider": "synthetic"}


def start(client: APIClient, key: str | None, path: str = "/api/sessions/", **changes: Any) -> HttpResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    answer: Any = client.post(path, START | changes, format="json", headers=headers)
    return answer


@pytest.fixture
def client() -> APIClient:
    return log_in(*ALL)


@pytest.mark.parametrize("again", ['"8e03978e"', "8e03978e"])
def test_a_repeated_start_gets_the_session_that_the_first_made(client: APIClient, again: str) -> None:
    first, second = start(client, '"8e03978e"'), start(client, again)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"] and Session.objects.count() == 1


def test_without_a_key_or_with_another_it_is_another_session(client: APIClient) -> None:
    ids = {start(client, key).json()["id"] for key in (None, None, "a", "b")}
    assert len(ids) == 4


def test_a_key_is_its_accounts(client: APIClient) -> None:
    ids = {start(caller, "a").json()["id"] for caller in (client, log_in(*ALL))}
    assert len(ids) == 2


def test_a_key_with_another_request_is_refused(client: APIClient) -> None:
    start(client, "a")
    assert_problem(start(client, "a", speed=60), 422, "another request")
    assert Session.objects.count() == 1


@pytest.mark.parametrize("verb", ["restart", "fork"])
def test_copies_are_made_once_too(client: APIClient, verb: str) -> None:
    path = f"/api/sessions/{a_session('AAPL').pk}/{verb}/"
    copies = [client.post(path, headers={"Idempotency-Key": "a"}).json()["id"] for _ in range(2)]
    assert copies[0] == copies[1] and Session.objects.count() == 2
    assert_problem(start(client, "a"), 422)


def test_a_fork_begins_where_it_is_asked_to(client: APIClient) -> None:
    session = a_session("AAPL", minutes=30, state=State.COMPLETED)
    path = f"/api/sessions/{session.pk}/fork/"
    made = client.post(path, {"at": "09:45"}, format="json")
    assert made.status_code == 202, made.json()
    fork = Session.objects.get(pk=made.json()["id"])
    assert (f"{fork.start_at:%H:%M}", fork.forked_from) == ("14:45", session)
    assert_problem(client.post(path, {"at": "10:01"}, format="json"), 409, "a fork begins where it is or earlier")
    assert_problem(client.post(path, {"at": "noon"}, format="json"), 400)


@pytest.mark.parametrize("key", ["", '""', '"a', "a b", "x" * 256, '"é"', '"a""b"'])
def test_a_key_that_cannot_be_read_is_refused_by_name(client: APIClient, key: str) -> None:
    body = assert_problem(start(client, key), 400)
    assert body["errors"][0]["field"] == "Idempotency-Key" and not Session.objects.exists()


def test_a_refused_start_leaves_its_key_free(client: APIClient) -> None:
    assert start(client, "a", provider="nowhere").status_code == 400
    assert not StartKey.objects.exists()
    assert start(client, "a").status_code == 202


@pytest.mark.django_db(transaction=True)
def test_a_start_that_could_not_be_queued_leaves_its_key_free(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable = Celery(broker="redis://127.0.0.1:1/0", set_as_current=False)
    unreachable.conf.update(task_publish_retry=False)
    with monkeypatch.context() as patch:
        patch.setattr(celery, "app", unreachable)
        assert start(client, "a").status_code == 503
    assert Session.objects.get().state == "failed" and not StartKey.objects.exists()
    assert start(client, "a").status_code == 202


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_time_one_makes_the_session(client: APIClient) -> None:
    def send(_: int) -> int:
        try:
            return int(start(client, "a").json()["id"])
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(send, range(4)))) == 1
    assert Session.objects.count() == 1
