"""A bot's daily bars begin with what the day has so far."""

from __future__ import annotations

import datetime as dt
import time

import pytest

from gateway.data import market_clock
from gateway.sockets.daily_bars import DailyBars
from sessions.models import Session, State
from streaming.engine.playing.player import Player
from streaming.starts import service
from streaming.starts.request import StartRequest


@pytest.mark.django_db(transaction=True)
def test_of_a_session_that_has_just_ended_too(player: Player) -> None:
    request = StartRequest(("AAPL", "MSFT"), dt.date(2025, 7, 3), provider="synthetic", speed=0)
    started = service.start(request).session
    end = time.monotonic() + 30
    while (session := Session.objects.with_run().get(pk=started.pk)).state != State.COMPLETED:
        assert time.monotonic() < end
        time.sleep(0.05)
    daily = DailyBars.load(session, market_clock.as_of(session))
    assert sorted(daily.values) == ["AAPL", "MSFT"]
