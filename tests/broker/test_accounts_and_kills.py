"""Accounts whose worker is killed: what it wrote and did not publish, each fill once, and proved."""

from __future__ import annotations

import datetime as dt
import subprocess
import time
from decimal import Decimal

import pytest
from django.db import transaction

from broker.desk import Desk, open_desk
from broker.matching.state import State
from broker.models import Account, AccountEvent
from broker.standing import standing
from sessions import control
from sessions.models import Session
from streaming.engine.frames.frame_id import milliseconds
from streaming.engine.publishing.participants import Stage
from streaming.verify.session import verify
from tests.broker.in_play import opened, place, started, status, step, until
from tests.workers import StartWorker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def kill(worker: subprocess.Popen[bytes]) -> None:
    worker.kill()
    worker.wait()


def abandoned(start_worker: StartWorker, minutes: int) -> tuple[Session, Account]:
    """A session with an account whose worker was lost after as many minutes."""
    worker = start_worker()
    session = started()
    account = opened(session)
    step(session, minutes)
    kill(worker)
    return session, account


def test_a_kill_between_acceptance_and_fill_leaves_one_fill(real_days: str, start_worker: StartWorker) -> None:
    first = start_worker()
    session = started()
    account = opened(session)
    step(session, 5)
    order_id = place(account)
    until(lambda: status(account, order_id) == "new")
    kill(first)
    start_worker()
    step(session, 3)
    until(lambda: status(account, order_id) == "filled")
    assert AccountEvent.objects.filter(account=account, qty__isnull=False).count() == 1
    assert verify(session.pk).problems == []


def left_behind(session: Session) -> tuple[Session, int, Desk]:
    """What a worker that is lost had: the session as it is, the instant that was published, a desk of that epoch."""
    row = Session.objects.with_run().get(pk=session.pk)
    assert row.run.clock is not None
    published = milliseconds(row.run.clock)
    return row, published, open_desk(Stage(row, row.run.epoch, row.run.generation, published))


def test_a_request_waits_for_what_a_lost_worker_wrote_and_did_not_publish(
    real_days: str, start_worker: StartWorker
) -> None:
    session, account = abandoned(start_worker, 5)
    _, published, lost = left_behind(session)
    first = place(account)
    lost.pick_up()
    second = place(account, "sell", "limit", symbol="MSFT", limit_price="1")
    lost.before(published + 60_000)
    assert (status(account, first), status(account, second)) == ("filled", "pending_new")
    start_worker()
    step(session, 2)
    until(lambda: status(account, second) == "new")
    step(session, 2)
    until(lambda: status(account, second) == "filled")
    assert verify(session.pk).problems == []


def test_a_seek_undoes_what_a_lost_worker_wrote_and_did_not_publish(real_days: str, start_worker: StartWorker) -> None:
    session, account = abandoned(start_worker, 5)
    row, published, lost = left_behind(session)
    order_id = place(account)
    lost.pick_up()
    lost.before(published + 60_000)
    assert status(account, order_id) == "filled"
    back = row.run.clock - dt.timedelta(minutes=2)
    with transaction.atomic():  # by a worker that has not looked at the accounts yet
        open_desk(Stage(row, row.run.epoch, row.run.generation + 1, milliseconds(back))).moved(back)
    account.refresh_from_db()
    assert (account.through_ms, State.of(account.state).positions) == (milliseconds(back), {})
    assert not AccountEvent.objects.filter(account=account, voided_in=None).exists()


def test_kills_in_full_flight_lose_and_repeat_nothing(real_days: str, start_worker: StartWorker) -> None:
    worker = start_worker()
    session = started(speed=1200.0)
    account = opened(session, cash=Decimal(10_000_000))
    step(session, 2)
    for symbol, side, sign in (("AAPL", "buy", -1), ("MSFT", "sell", 1)):
        price = standing(account.pk).prices.mark(symbol)
        assert price is not None
        for i in range(20):
            limit = (price + sign * Decimal(i) / 20).quantize(Decimal("0.01"))
            place(account, side, "limit", symbol=symbol, limit_price=str(limit))
    control.resume(session.pk)
    for _ in range(3):
        time.sleep(1.0)
        kill(worker)
        worker = start_worker()
        place(account)
    control.set_speed(session.pk, 0)
    until(lambda: not Session.objects.get(pk=session.pk).is_live, 60)
    assert AccountEvent.objects.filter(account=account, voided_in=None, qty__isnull=False).count() > 5
    numbers = list(AccountEvent.objects.filter(account=account, voided_in=None).values_list("number", flat=True))
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert verify(session.pk).problems == []


def test_an_order_that_nobody_has_picked_up_yet_is_no_contradiction(real_days: str, start_worker: StartWorker) -> None:
    session, account = abandoned(start_worker, 1)
    exits = {"take_profit": {"limit_price": "260"}, "stop_loss": {"stop_price": "150"}}
    place(account, kind="limit", limit_price="200", order_class="bracket", **exits)
    assert verify(session.pk).problems == []
