"""Rows in plain SQL are what the ORM reads and writes."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import IntegrityError, models, transaction

from broker import accounts
from broker.models import Account, Request
from sessions.models import Run, Session, SessionKey
from sessions.models.session import locked_session, read_session
from sessions.whole_rows import WholeRows, execute
from tests.streaming.rows import a_session

pytestmark = pytest.mark.django_db(transaction=True)


def same(one: models.Model, other: models.Model) -> bool:
    names = [field.attname for field in one._meta.concrete_fields]
    return [getattr(one, name) for name in names] == [getattr(other, name) for name in names]


def test_a_session_and_its_run_are_read_as_the_orm_reads_them() -> None:
    made = a_session("AAPL", epoch=3)
    Run.objects.filter(pk=made.pk).update(moving={"ms": 1.5}, days_held=[dt.date(2024, 11, 18)])
    known = Session.objects.with_run().get(pk=made.pk)
    with transaction.atomic():
        found = [read_session(made.pk), locked_session(made.pk)]
    for session in found:
        assert same(session, known) and same(session.run, known.run)
        assert session.run.session is session and not session._state.adding
    with pytest.raises(Session.DoesNotExist), transaction.atomic():
        locked_session(0)


def test_what_is_written_is_what_the_orm_reads() -> None:
    accounts.create_key(a_session("AAPL"))
    account, rows = Account.objects.get(), WholeRows(Request)
    requests = [
        Request(account=account, number=number, kind="place", body={"a'%s": [None, number]}, made_ms=5)
        for number in (1, 2)
    ]
    execute(rows.insert(requests) + WholeRows(Account).update([account.pk], state={"b": 1}, through_ms=7))
    written = list(Request.objects.order_by("number"))
    assert [row.body for row in written] == [row.body for row in requests] and written[0].made_at
    assert rows.read(f"SELECT {rows.columns('r')} FROM broker_request r ORDER BY number", []) == written
    account.refresh_from_db()
    assert (account.state, account.through_ms) == ({"b": 1}, 7)
    with pytest.raises(IntegrityError):
        execute(WholeRows(Account).update([account.pk], through_ms=8) + rows.insert(requests))
    account.refresh_from_db()
    assert account.through_ms == 7  # all or nothing
    execute(rows.insert(requests, "ON CONFLICT DO NOTHING") + rows.insert([]))
    assert Request.objects.count() == 2 and SessionKey.objects.count() == 1
