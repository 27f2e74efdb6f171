"""An account in a session that plays the hours before the open."""

from __future__ import annotations

import datetime as dt

import pytest

from broker.models import AccountEvent
from marketdata import calendar
from streaming.engine.playing.player import Player
from streaming.verify.session import verify
from tests.broker.in_play import DAY, opened, place, started, status, step, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


def test_an_order_for_extended_hours_is_filled_before_the_open_and_another_waits(
    real_days: str, player: Player
) -> None:
    session = started(hours="extended")
    account = opened(session)
    step(session, 1)
    marked = place(account, kind="limit", limit_price="300", extended_hours=True)
    plain = place(account, kind="limit", limit_price="300")
    until(lambda: (status(account, marked), status(account, plain)) == ("new", "accepted"))
    step(session, 240)
    assert (status(account, marked), status(account, plain)) == ("filled", "accepted")
    fill = AccountEvent.objects.get(account=account, kind="fill")
    opens = calendar.trading_day(DAY).open
    assert dt.datetime.fromtimestamp(fill.at_ms / 1000, dt.UTC) < opens
    step(session, 92)
    assert status(account, plain) == "filled"
    assert verify(session.pk).problems == []
