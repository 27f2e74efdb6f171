"""Who orders and who plays lock the same rows: neither makes the other wait for what it only refers to."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import transaction

from broker import accounts
from broker.models import MatchingPin
from broker.standing import locked
from marketdata.kinds import DayKind
from marketdata.models import Instrument
from sessions.models import Session
from streaming.base.db import connected
from streaming.engine.records.fence import fenced
from tests.streaming.rows import DAY, a_session

pytestmark = pytest.mark.django_db(transaction=True)


def look(account_id: int, session: Session) -> None:
    """As an order does, whose mark pins a day of the session."""
    with connected(), locked(account_id):
        instrument = Instrument.objects.get(symbol="AAPL")
        MatchingPin.objects.create(session=session, date=DAY, instrument=instrument, kind=DayKind.TRADES, ledger="")


def test_an_order_does_not_wait_for_the_session_that_a_worker_writes() -> None:
    session = a_session("AAPL", minutes=30)
    account = accounts.create(session)
    with ThreadPoolExecutor(1) as pool, fenced(session.pk, None):
        pool.submit(look, account.pk, session).result(10)
        with transaction.atomic():
            assert MatchingPin.objects.filter(session=session).exists()
