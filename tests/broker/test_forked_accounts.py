"""A fork's account goes on as its origin's would: with what was taken of the day, and with what is on its way."""

from __future__ import annotations

from decimal import Decimal

import pytest

from broker import accounts, service
from broker.accounts import Opening
from broker.entry.replacing import read_changes
from broker.matching.terms import Terms
from broker.models import Account, AccountEvent, Order
from broker.standing import standing
from sessions.models import Session
from streaming.engine.playing.player import Player
from streaming.starts import service as streams
from streaming.starts.copies import fork
from streaming.verify.session import verify
from tests.broker.in_play import place, started, status, step

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
Fill = tuple[int, Decimal | None, Decimal | None]


def forked(session: Session) -> tuple[Session, Account]:
    copy = fork(session.pk)
    streams.open_streams(copy, lambda _: None)
    return copy, Account.objects.get(session=copy)


def fills(account: Account, after_ms: int = 0) -> list[Fill]:
    rows = AccountEvent.objects.filter(account=account, voided_in=None, qty__isnull=False, at_ms__gt=after_ms)
    return list(rows.order_by("number").values_list("at_ms", "qty", "price"))


def test_a_fork_takes_nothing_again_of_the_bars_before_it(real_days: str, player: Player) -> None:
    session = started()
    account = accounts.create(session, Opening(cash=Decimal(1_000_000_000)))
    step(session, 5)
    place(account, qty=1_000_000)
    step(session, 10)
    copy, copied = forked(session)
    of_copy, clock = copied, standing(account.pk).clock_ms
    again, of_again = forked(copy)
    for each in (session, copy, again):
        step(each, 5)
    expected = fills(account, clock)
    assert len(expected) == 5
    assert fills(of_copy) == fills(of_again) == expected
    assert [verify(each.pk).problems for each in (copy, again)] == [[], []]


def test_a_fork_has_what_was_still_on_its_way(real_days: str, player: Player) -> None:
    session = started()
    account = accounts.create(session, Opening(terms=Terms(latency_ms=90_000)))
    step(session, 5)
    resting = place(account, "buy", "limit", limit_price="50", qty=10)
    step(session, 3)
    order_id = place(account)
    replacement = service.replace(account.pk, resting, read_changes({"limit_price": "60"}))
    step(session)
    copy, of_copy = forked(session)
    rows = {str(row.uuid): row for row in Order.objects.filter(account=of_copy)}
    assert rows[order_id].status == "pending_new"
    assert (rows[replacement.id].status, rows[replacement.id].working.qty) == ("pending_new", 10)
    assert (status(of_copy, resting), rows[resting].is_open) == ("new", True)
    for each in (session, copy):
        step(each, 4)
    assert status(of_copy, order_id) == "filled" and status(of_copy, resting) == "replaced"
    assert fills(of_copy) == fills(account) != []
    assert verify(copy.pk).problems == []
