"""An account in a session that plays the hours before the open."""

from __future__ import annotations

import datetime as dt

import pytest

from broker.models import AccountEvent
from broker.refusals import Refusal
from marketdata import calendar
from streaming.engine.playing.player import Player
from streaming.verify.session import verify
from tests.broker.in_play import DAY, opened, place, seek, started, status, step, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


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


def test_orders_for_the_next_sessions_auctions_are_taken_in_the_night_alone(real_days: str, player: Player) -> None:
    """A day that is played to 20:00 goes on after its close; from 19:00 on the broker takes them."""
    session = started(dt.date(2025, 7, 3), hours="extended")
    account = opened(session)
    seek(session, 391)
    for tif in ("opg", "cls"):
        with pytest.raises(Refusal, match=f"{tif} orders must be submitted after 7:00pm"):
            place(account, time_in_force=tif)
    seek(session, 391 + 179)
    assert [status(account, place(account, time_in_force=tif)) for tif in ("opg", "cls")] == ["accepted", "accepted"]
