"""Leases: one row that somebody has locked costs no other session its worker."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import InternalError, connection

from sessions.models import Run, Session, State
from streaming.base.db import is_away
from streaming.engine.records import lease as leases
from streaming.engine.records.fence import fenced
from tests.streaming.rows import a_session, locked

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sessions() -> list[Session]:
    first = a_session("AAPL")
    second = Session.objects.get(pk=first.pk)
    second.pk = None
    second.save(force_insert=True)
    return [first, second]


def claimed(sessions: list[Session]) -> list[leases.Lease]:
    found = [leases.claim(session.pk) for session in sessions]
    assert all(found)
    return [lease for lease in found if lease]


def test_a_locked_row_keeps_no_other_lease_from_being_renewed(sessions: list[Session]) -> None:
    first, second = claimed(sessions)
    before = first.deadline, second.deadline
    with locked(Run, first.session_id):
        began = time.monotonic()
        versions = leases.renew([first, second])
        assert time.monotonic() - began < 5
    assert versions.keys() == {first.session_id, second.session_id}
    assert not first.lost and first.deadline == before[0], "it is renewed the next time"
    assert second.deadline > before[1]
    leases.renew([first, second])
    assert first.deadline > before[0]


def test_who_locks_a_session_to_ask_something_of_it_delays_no_renewal(sessions: list[Session]) -> None:
    first, _ = claimed(sessions)
    before = first.deadline
    with locked(Session, first.session_id):
        leases.renew([first])
    assert first.deadline > before


def test_a_lease_that_another_worker_has_is_lost(sessions: list[Session]) -> None:
    first, second = claimed(sessions)
    Run.objects.filter(pk=first.session_id).update(epoch=99)
    assert leases.renew([first, second]).keys() == {second.session_id}
    assert (first.lost, second.lost) == (True, False)


def test_a_holder_that_was_frozen_in_a_transaction_keeps_nobody_from_claiming(
    sessions: list[Session], settings: Any
) -> None:
    settings.LEASE_TTL = 0.5
    first, _ = claimed(sessions)
    woken = threading.Event()
    failed: list[Exception] = []

    def frozen() -> None:
        try:
            with fenced(first.session_id, first.epoch):
                woken.wait(20)
                Session.objects.filter(pk=first.session_id).update(reason="late")
        except InternalError as error:
            failed.append(error)
        connection.close()

    thread = threading.Thread(target=frozen)
    thread.start()
    end = time.monotonic() + 15
    while (taken := leases.claim(first.session_id)) is None:
        assert time.monotonic() < end, "nobody can take over before the holder wakes"
        time.sleep(0.05)
    woken.set()
    thread.join()
    assert taken.epoch == first.epoch + 1
    assert len(failed) == 1 and is_away(failed[0]), "it is released, not failed"
    assert Session.objects.get(pk=first.session_id).reason == ""


def test_a_claim_does_not_wait_for_a_locked_session(sessions: list[Session]) -> None:
    with locked(Session, sessions[0].pk):
        began = time.monotonic()
        assert leases.claim(sessions[0].pk) is None
        assert time.monotonic() - began < 5
    assert leases.claim(sessions[0].pk) is not None


def test_an_ended_session_is_not_claimed(sessions: list[Session]) -> None:
    Session.objects.filter(pk=sessions[0].pk).update(state=State.STOPPED)
    assert leases.claim(sessions[0].pk) is None
