"""Between two days the clock passes the night in a few seconds, and not at all at speed 0."""

from __future__ import annotations

import datetime as dt
import time

import pytest

from gateway.data.market_clock import market_clock, moving
from marketdata import calendar
from sessions import control
from sessions.models import Session
from streaming.engine.playing.player import Player
from streaming.starts import service
from streaming.starts.error import StartError
from streaming.starts.request import StartRequest

DAY, NEXT = dt.date(2025, 7, 2), dt.date(2025, 7, 3)
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]


def started(**given: object) -> Session:
    request = StartRequest(("AAPL",), DAY, NEXT, dataset="exthours_2025", **given)  # type: ignore[arg-type]
    return service.start(request).session


def at(session: Session) -> dt.datetime:
    return moving(Session.objects.with_run().get(pk=session.pk), dt.datetime.now(dt.UTC))


def test_bots_see_the_market_closed_between_two_days(real_days: str, player: Player) -> None:
    session = started(speed=12_000.0, night_seconds=2.0)
    seen: list[dict[str, object]] = []
    shown: list[dt.datetime] = []
    while len(seen) < 2000 and Session.objects.get(pk=session.pk).is_live:
        shown.append(at(session))
        seen.append(market_clock(shown[-1]))
        time.sleep(0.01)
    closed = [each for each in seen if not each["is_open"] and str(each["next_open"]).startswith("2025-07-03T09:30")]
    assert len(closed) > 20
    assert shown == sorted(shown)
    nights = {moment for moment in shown if calendar.trading_day(DAY).close < moment < calendar.trading_day(NEXT).open}
    assert len(nights) > 20


def test_a_pause_in_the_night_holds_the_clock_there(real_days: str, player: Player) -> None:
    session = started(speed=12_000.0, night_seconds=60.0)
    close, morning = calendar.trading_day(DAY).close, calendar.trading_day(NEXT).open
    while not close + dt.timedelta(hours=1) < at(session):
        time.sleep(0.01)
    control.pause(session.pk)
    while Session.objects.get(pk=session.pk).state != "paused":
        time.sleep(0.01)
    time.sleep(0.5)  # the row is written with what the pause came to
    held = at(session)
    time.sleep(0.5)
    assert close < held == at(session) < morning
    control.resume(session.pk)
    control.set_speed(session.pk, 0)
    while Session.objects.get(pk=session.pk).is_live:
        time.sleep(0.02)
    assert Session.objects.get(pk=session.pk).state == "completed"


def test_a_night_of_no_seconds_and_speed_0_have_none(real_days: str, player: Player) -> None:
    session = started(speed=0, night_seconds=3600.0)
    while Session.objects.get(pk=session.pk).is_live:
        time.sleep(0.02)
    assert Session.objects.get(pk=session.pk).state == "completed"


def test_a_night_of_more_than_an_hour_is_refused(real_days: str) -> None:
    with pytest.raises(StartError, match="A night of 3601 s is not possible: give 0 to 3600"):
        service.create(StartRequest(("AAPL",), DAY, night_seconds=3601))
