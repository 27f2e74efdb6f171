"""A run made again: the same journal without kills, seeks and forks gives the same events, byte for byte."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

import orjson
from django.db import transaction
from django.db.models import F

from broker import accounts
from broker.account_writer import row_of, stream_of, write_orders
from broker.accounts import Opening
from broker.matching.orders import Order as WorkingOrder
from broker.models import Account, AccountEvent, Request
from sessions import control, wakeup
from sessions.models import Run, Session
from sessions.redis_client import connection as redis_connection
from streaming.engine.frames.frame_id import milliseconds, moment
from streaming.starts import service as streams
from streaming.starts.request import StartRequest
from streaming.verify.session import verify
from tests.broker.random_sessions import (
    FIRST,
    LAST,
    SYMBOLS,
    RandomSession,
    await_requests,
    await_step,
    await_that,
    run_to_the_end,
)
from tests.broker.run_checks import Checks, Tape

OWN = {"execution", "generation", "n", "number"}


def all_problems(run: RandomSession) -> list[str]:
    return list(_problems(run))


def _problems(run: RandomSession) -> Iterator[str]:
    tape = Tape(run.session)
    for session in (run.session, *(forked.session for forked in run.forks)):
        row = Session.objects.get(pk=session.pk)
        if row.state != "completed":
            yield f"session {session.pk} is {row.state}: {row.reason}"
        yield from (f"verify {session.pk}: {problem}" for problem in verify(session.pk).problems)
        for account in Account.objects.filter(session=session).order_by("pk"):
            yield from Checks(account, tape).problems()
            yield from published_once(account)
    for forked in run.forks:
        for account in Account.objects.filter(session=forked.session):
            if forked.expected is not None:
                expected = [text(row_of(account, event, 1, 0)) for event in forked.expected[account.name]]
                yield from differences(f"fork {forked.session.pk}, {account.name}", expected, written(account))
    again = played_again(run)
    for account in run.accounts:
        other = Account.objects.get(session=again, name=account.name)
        yield from differences(f"again, {account.name}", written(account), written(other))


def text(event: AccountEvent) -> bytes:
    """What must be the same in both: all but the ids of its run and its place among the account's."""
    names = ("at_ms", "kind", "note", "symbol", "basis", "met_ns")
    numbers = ("qty", "price", "position_qty", "met_price", "met_size")
    values: list[Any] = [getattr(event, name) for name in names]
    values += [None if (value := getattr(event, name)) is None else f"{value:.9f}" for name in numbers]
    return orjson.dumps([*values, event.order], option=orjson.OPT_SORT_KEYS)


def written(account: Account) -> list[bytes]:
    return [text(row) for row in AccountEvent.objects.filter(account=account, voided_in=None).order_by("number")]


def differences(what: str, wanted: Sequence[bytes], got: Sequence[bytes]) -> Iterator[str]:
    for i, (one, other) in enumerate(zip_longest(wanted, got), 1):
        if one != other:
            yield f"{what}: event {i} of {len(wanted)} and {len(got)} is\n  {other!r}, not\n  {one!r}"
            return


def published_once(account: Account) -> Iterator[str]:
    """In the stream of the last generation each of its events stands once, in its order."""
    generation = Run.objects.get(pk=account.session_id).generation
    rows = AccountEvent.objects.filter(account=account, voided_in=None, generation=generation).order_by("number")
    wanted = [(f"{row.at_ms}-{row.n}".encode(), row.number) for row in rows]
    entries: Any = redis_connection().xrange(stream_of(account.session_id, account.pk, generation))
    got = [(entry_id, orjson.loads(fields[b"e"])["number"]) for entry_id, fields in entries]
    if got != wanted:
        odd = next((pair for pair in zip_longest(wanted, got) if pair[0] != pair[1]), None)
        yield f"{account}: its stream has {len(got)} events, {len(wanted)} were written: {odd}"


# --- the same journal, undisturbed ----------------------------------------------------------------------


def played_again(run: RandomSession) -> Session:
    request = StartRequest(SYMBOLS, FIRST, LAST, dataset="lean", paused=True, speed=0, hours=run.hours)
    session = streams.start(request).session
    copies = {
        account.pk: accounts.create(
            session,
            Opening(name=account.name, cash=account.cash, terms=Account.objects.get(pk=account.pk).trading_terms),
        )
        for account in run.accounts
    }
    asked = Request.objects.filter(account__in=list(copies), voided_in=None).order_by("taken_ms", "account", "number")
    for request_row in asked.exclude(taken_ms=None):
        go_to(session, moment(request_row.taken_ms))
        ask(copies[request_row.account_id], request_row)
        await_requests(session)
    run_to_the_end(session)
    return session


def go_to(session: Session, to: dt.datetime) -> None:
    """By steps; to a moment that no frame has, as after a seek, by a seek."""
    here = Run.objects.get(pk=session.pk).clock
    if here == to:
        return
    if to.second or to.microsecond:
        control.seek(session.pk, to)
        await_that(lambda: Session.objects.get(pk=session.pk).seek_to is None, "the seek")
        return
    days = session.calendar.trading_days(FIRST, LAST)
    if here is None and to == (session.start_at or days[0].begin):
        return
    changed = {"run_until": to, "control_version": F("control_version") + 1}
    Session.objects.filter(pk=session.pk).update(**changed)
    wakeup.send(session.pk)
    await_step(session)
    assert milliseconds(Run.objects.get(pk=session.pk).clock or to) == milliseconds(to)


def ask(account: Account, like: Request) -> None:
    with transaction.atomic():
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        number = Request.objects.filter(account=account).count() + 1
        Request.objects.create(account=account, number=number, kind=like.kind, body=like.body, made_ms=like.made_ms)
        write_orders(account.pk, [WorkingOrder.of(payload) for payload in like.brought])
    wakeup.send_request(account.session_id)
