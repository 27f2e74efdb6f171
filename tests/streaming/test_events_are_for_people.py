"""Events are a log: a session, its readers and upkeep depend on none of them."""

from __future__ import annotations

import datetime as dt

import pytest

from sessions import control
from sessions.models import Announcement, DayMark, SessionEvent, State
from streaming.upkeep import rounds
from streaming.verify.session import verify
from tests.streaming.playing import durable, read_all, start, wait_until
from tests.workers import Player

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_session_whose_events_are_deleted_goes_on_and_is_verified(player: Player, real_days: str) -> None:
    session = start("AAPL", "MSFT", speed=9000.0)
    later = dt.datetime(2025, 7, 2, 15, tzinfo=dt.UTC)
    wait_until(session, lambda s: s.run.clock and s.run.clock > later)
    rounds.run_one(session.pk)
    SessionEvent.objects.all().delete()
    control.set_speed(session.pk, 0.0)
    wait_until(session, lambda s: not s.is_live)
    rounds.run_one(session.pk)
    SessionEvent.objects.all().delete()
    assert (session.state, verify(session.pk).problems) == (State.COMPLETED, [])
    assert len(durable(read_all(session.pk))) == session.run.frame_count
    assert DayMark.objects.filter(session=session).count() == 3


def test_upkeep_repeats_no_announcement_whose_event_was_deleted(player: Player, real_days: str) -> None:
    session = start("AAPL", "MSFT", speed=0.0)
    wait_until(session, lambda s: not s.is_live)
    rounds.run_one(session.pk)
    announced = list(Announcement.objects.filter(session=session).values_list("kind", "date"))
    assert (Announcement.Kind.GAPS, dt.date(2025, 7, 7)) in announced
    SessionEvent.objects.all().delete()
    rounds.run_one(session.pk)
    assert not SessionEvent.objects.filter(session=session, kind="gaps").exists()
