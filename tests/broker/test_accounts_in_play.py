"""Accounts while their session is played: seeks, forks, restarts - each fill once, and proved."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db import transaction

from broker import configurations, service
from broker.matching.state import State
from broker.matching_days import MatchingDays
from broker.models import Account, AccountEvent, Order, Request
from broker.refusals import Refusal
from broker.standing import standing
from marketdata.hours import DayPart
from marketdata.models import Dataset, QuotesOf
from marketdata.store import NewDay, ensure_instruments, write_days
from sessions import control
from sessions.models import Run, Session
from streaming.engine.playing.player import Player
from streaming.starts import service as streams
from streaming.starts.copies import fork, restart
from streaming.verify.diff import diff
from streaming.verify.session import verify
from tests.broker.books import quote_columns
from tests.broker.in_play import DAY, clock, opened, place, seek, started, status, step, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def test_an_order_waits_while_paused_and_is_filled_by_the_next_bar(real_days: str, player: Player) -> None:
    session = started()
    account = opened(session)
    step(session, 5)
    order_id = place(account)
    until(lambda: status(account, order_id) == "new")
    step(session)
    assert status(account, order_id) == "filled"
    assert standing(account.pk).state.position("AAPL").qty == 10
    assert verify(session.pk).problems == []


def test_a_seek_back_returns_the_account_and_frees_what_was_undone(real_days: str, player: Player) -> None:
    session = started()
    account = opened(session)
    step(session, 5)
    resting = place(account, kind="limit", limit_price="50", time_in_force="gtc")
    step(session)
    bought = place(account, client_order_id="mine")
    step(session)
    service.cancel(account.pk, resting)
    seek(session, 6)
    assert standing(account.pk).state.cash == 100_000
    assert status(account, resting) == "new"
    assert Order.objects.get(account=account, uuid=bought).voided_in == 2
    again = place(account, client_order_id="mine")
    step(session)
    assert status(account, again) == "filled"
    assert verify(session.pk).problems == []


def test_settings_go_back_with_the_clock_and_along_with_a_fork(real_days: str, player: Player) -> None:
    session = started()
    account = opened(session)

    def configure(**changes: object) -> None:
        service.configure(account.pk, changes)
        assert configurations.made(account).items() >= changes.items(), "at once"
        until(lambda: not Request.objects.filter(account=account, taken_ms=None).exists())

    step(session, 5)
    configure(no_shorting=True)
    step(session, 3)
    configure(suspend_trade=True, no_shorting=False)
    with pytest.raises(Refusal, match="rejected by user request"):
        place(account)
    forked, anew = (Account.objects.get(session=each) for each in (fork(session.pk), restart(session.pk)))
    assert configurations.made(forked) == {"suspend_trade": True, "no_shorting": False}
    assert configurations.made(anew) == {}
    seek(session, 6)
    assert configurations.made(account) == {"no_shorting": True}
    place(account)
    assert verify(session.pk).problems == []


def test_a_seek_forward_works_the_orders_through_all_that_is_skipped(real_days: str, player: Player) -> None:
    session = started(dt.date(2025, 7, 3))
    account = opened(session)
    step(session, 5)
    day, gtc = place(account), place(account, kind="limit", limit_price="50", time_in_force="gtc")
    dead = place(account, kind="limit", limit_price="50")
    seek(session, 30, dt.date(2025, 7, 3))
    assert (status(account, day), status(account, gtc), status(account, dead)) == ("filled", "new", "expired")
    seek(session, 10)
    assert status(account, dead) == "new"
    assert verify(session.pk).problems == []


def test_a_fork_goes_on_with_orders_and_positions_and_a_restart_begins_anew(real_days: str, player: Player) -> None:
    session = started()
    account = opened(session)
    step(session, 5)
    place(account)
    step(session)
    resting = place(account, kind="limit", limit_price="50")
    until(lambda: status(account, resting) == "new")
    forked, anew = fork(session.pk), restart(session.pk)
    streams.open_streams(forked, lambda _: None)
    copy = Account.objects.get(session=forked)
    assert standing(copy.pk).state.position("AAPL").qty == 10
    step(forked, 2)
    assert status(copy, resting) == "new"
    service.cancel(copy.pk, resting)
    assert (status(copy, resting), status(account, resting)) == ("canceled", "new")
    assert standing(Account.objects.get(session=anew).pk).state.cash == 100_000
    assert verify(forked.pk).problems == []


def test_a_fork_at_an_earlier_time_has_the_account_of_that_time(real_days: str, player: Player) -> None:
    session = started()
    account = opened(session)
    step(session, 5)
    place(account)
    step(session)
    early = clock(session)
    step(session, 3)
    later = place(account, qty=7)
    step(session, 2)
    assert standing(account.pk).state.position("AAPL").qty == 17 and status(account, later) == "filled"
    forked = fork(session.pk, early)
    copy = Account.objects.get(session=forked)
    assert State.of(copy.state).position("AAPL").qty == 10
    streams.open_streams(forked, lambda _: None)
    step(forked, 8)
    assert standing(copy.pk).state.position("AAPL").qty == 10, "the later order is of another future"
    assert verify(forked.pk).problems == [] == verify(session.pk).problems


def test_a_forks_account_is_no_further_than_its_clock(real_days: str, player: Player) -> None:
    """The session's row is written up to a fifth of a second behind its account."""
    session = started()
    account = opened(session)
    step(session, 5)
    order_id = place(account)
    until(lambda: status(account, order_id) == "new")
    behind = clock(session)
    step(session, 3)
    assert status(account, order_id) == "filled"
    Run.objects.filter(pk=session.pk).update(clock=behind)
    copy = Account.objects.get(session=fork(session.pk))
    assert (status(copy, order_id), State.of(copy.state).cash) == ("new", 100_000)


def test_two_runs_with_the_same_orders_are_equal_and_others_differ(real_days: str, player: Player) -> None:
    sessions = [started() for _ in range(3)]
    for session, qty in zip(sessions, (7, 7, 8), strict=True):
        account = opened(session)
        step(session, 5)
        place(account, qty=qty)
        step(session)
    one, same, other = (session.pk for session in sessions)
    assert diff(one, same).equal
    found = diff(one, other)
    assert (found.equal, found.compared > 5, found.clock) == (False, True, "2025-07-02T13:36:00Z")
    [detail] = found.details
    assert (detail["what"], detail["a"][:23]) == ("account", "order 1 fill buy AAPL 7")


def test_quotes_are_each_exchanges_own_where_the_dataset_says_so(real_days: str, player: Player) -> None:
    session = started()
    quotes = NewDay(ensure_instruments(["AAPL"])["AAPL"], DAY, quote_columns([(0, 200, 100, 200.02, 100)]))
    write_days(session.dataset_id, [quotes])
    days = [MatchingDays(Session.objects.get(pk=session.pk)) for _ in range(2)]
    assert (data := days[0].data("AAPL", DAY, DayPart.REGULAR))
    assert not data.by_exchange
    Dataset.objects.filter(pk=session.dataset_id).update(quotes=QuotesOf.EXCHANGE)
    assert (data := days[1].data("AAPL", DAY, DayPart.REGULAR))
    assert data.by_exchange


def test_two_accounts_do_not_know_of_each_other_and_not_change_the_market(real_days: str, player: Player) -> None:
    session, bare = started(), started()
    one, two = opened(session), opened(session)
    step(session, 5)
    step(bare, 5)
    place(one, qty=7)
    place(two, qty=8)
    step(session)
    step(bare)
    assert [standing(each.pk).state.position("AAPL").qty for each in (one, two)] == [7, 8]
    chains = [Session.objects.with_run().get(pk=each.pk).run.chain for each in (session, bare)]
    until(lambda: len({Session.objects.with_run().get(pk=s.pk).run.chain for s in (session, bare)}) == 1, 5)
    assert chains


def test_a_fill_that_is_tampered_with_is_found(real_days: str, player: Player) -> None:
    session = started()
    account = opened(session)
    step(session, 5)
    place(account)
    step(session)
    AccountEvent.objects.filter(account=account, kind="fill").update(price=Decimal(1))
    assert any("is not what comes of it" in problem for problem in verify(session.pk).problems)
    AccountEvent.objects.filter(account=account, kind="fill").delete()
    assert any("is lost" in problem for problem in verify(session.pk).problems)


def test_an_order_asked_for_right_before_the_end_is_picked_up(real_days: str, player: Player) -> None:
    session = started()
    account = opened(session)
    step(session, 1)
    with transaction.atomic():  # both become known to the worker at once
        order_id = place(account)
        control.stop(session.pk)
    until(lambda: not Session.objects.get(pk=session.pk).is_live)
    assert status(account, order_id) == "new"
    assert verify(session.pk).problems == []


def test_an_order_of_a_session_that_is_over_is_refused(real_days: str, player: Player) -> None:
    session = started()
    account = opened(session)
    step(session, 1)
    control.stop(session.pk)
    until(lambda: not Session.objects.get(pk=session.pk).is_live)
    with pytest.raises(Refusal, match="it takes no more orders"):
        place(account)
    assert standing(account.pk).equity == 100_000
