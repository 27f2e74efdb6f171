"""Regulatory fees as activities and in the cash."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.test import Client

from broker import accounts
from broker.equity import equity_at
from broker.matching.terms import Profile, Terms
from broker.models import Account
from broker.standing import standing
from streaming.engine.frames.frame_id import milliseconds
from streaming.engine.playing.player import Player
from streaming.verify.session import verify
from tests.broker.in_play import DAY, clock, opened, place, seek, started, step

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def test_fees_are_activities_of_the_close_and_go_back_with_the_clock(real_days: str, player: Player) -> None:
    session = started(DAY + dt.timedelta(days=1))
    account = opened(session, terms=Terms(profile=Profile.FEES))
    step(session, 5)
    place(account)
    step(session)
    place(account, side="sell")
    step(session)
    before = standing(account.pk).state.cash
    seek(session, 5, DAY + dt.timedelta(days=1))
    key, secret, _ = accounts.create_key(session, Account.objects.get(pk=account.pk))
    headers = {"APCA-API-KEY-ID": key.key_id, "APCA-API-SECRET-KEY": secret}
    rows = Client().get("/alpaca/v2/account/activities/FEE", headers=headers).json()
    # On that date nothing is due of section 31: ten shares sold, twenty traded, each rounded up to a cent.
    assert [(row["description"], row["net_amount"]) for row in rows] == [("CAT fee", "-0.01"), ("TAF fee", "-0.01")]
    assert {row["date"] for row in rows} == {"2025-07-02"}
    after = standing(account.pk)
    assert after.state.cash == before - Decimal("0.02")
    now = clock(session)
    assert now
    assert list(equity_at(after.account, session, [milliseconds(now)])) == [after.equity]
    assert verify(session.pk).problems == []
    seek(session, 8)
    assert standing(account.pk).state.activities == []
    assert standing(account.pk).state.cash == before
