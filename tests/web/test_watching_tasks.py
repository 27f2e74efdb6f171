"""Tasks beside a stream: one that Postgres disturbs goes on, and one that ends takes the stream along, seen."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError

from broker import accounts
from broker.accounts import Opening
from gateway.sockets import data_feed
from streaming.base.db import in_thread
from tests.streaming.rows import a_session
from web.pages import account_feed
from web.pages.account_feed import AccountFeed

pytestmark = pytest.mark.django_db(transaction=True)


class Failing:
    """Fails some times, then answers."""

    def __init__(self, errors: list[Exception], answer: object) -> None:
        self.errors, self.answer, self.calls = errors, answer, 0

    def __call__(self, *_: object) -> object:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.answer


async def until(true: Any) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.02)


async def test_an_accounts_events_are_followed_again_once_postgres_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_feed, "MARKED_EVERY", 0.01)
    generation = Failing([OperationalError("gone"), InterfaceError("closed")], 1)
    monkeypatch.setattr(account_feed, "_generation", generation)
    session = await in_thread(a_session)("AAPL")
    account = await in_thread(accounts.create)(session, Opening("hand"))
    feed = AccountFeed(session.pk, account.pk)
    await feed.begin()
    try:
        await until(lambda: generation.calls > 2)
    finally:
        await feed.close()


async def test_a_page_whose_account_is_followed_no_longer_is_connected_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_feed, "_generation", Failing([ValueError("a defect")], 1))
    session = await in_thread(a_session)("AAPL")
    account = await in_thread(accounts.create)(session, Opening("hand"))
    feed = AccountFeed(session.pk, account.pk)
    await feed.begin()
    await until(lambda: feed.watching and feed.watching.done())
    with pytest.raises(ValueError, match="a defect"):
        await feed.body(clock_moved=False)


class Member:
    """As much of a socket as a feed's watch knows."""

    key_id, left = "PK1", 0

    def leave(self, code: int) -> None:
        self.left = code


async def test_no_socket_goes_on_where_its_key_is_watched_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_feed, "LOOK_FOR_REVOKED", 0.01)
    errors = [InterfaceError("closed"), ValueError("a defect")]
    monkeypatch.setattr(data_feed.keys, "valid", Failing(errors, {"PK1"}))
    session = await in_thread(a_session)("AAPL")
    feed, member = data_feed.Feed(session.pk), Member()
    feed.members.add(member)  # type: ignore[arg-type]
    feed.start()
    await until(lambda: member.left)
    feed.stop()
    await asyncio.gather(*feed.ending)
    assert (member.left, errors) == (data_feed.RESTARTED, [])
