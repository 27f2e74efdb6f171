"""A worker was killed before it noted its last frames: they are played again before anything new takes effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from sessions import control
from sessions.models import DayMark, Run, Session, State
from sessions.redis_client import connection as redis_connection
from streaming.engine.publishing.bus import stream_key
from streaming.verify.session import verify
from tests.streaming.playing import await_clock, start, utc, wait_until
from tests.workers import playing

pytestmark = pytest.mark.django_db(transaction=True)
OUT = utc(3, 14, 30)
"""Frames are out until here: past the first day's end."""
Ask = Callable[[int], Session]


@pytest.fixture
def unnoted(real_days: str) -> Iterator[Session]:
    """Over a day and a half is published, and no row says so."""
    with playing():
        session = start(speed=0.0, paused=True)
        control.seek(session.pk, utc(2, 14))
        wait_until(session, lambda row: row.seek_to is None)
        control.step(session.pk, 6 * 60 + 60)
        await_clock(session, OUT)
        control.set_speed(session.pk, 0.001)
        control.resume(session.pk)
        wait_until(session, lambda row: row.state == State.RUNNING)
    DayMark.objects.filter(session=session).delete()
    Run.objects.filter(pk=session.pk).update(frame_id="", chain="", frame_count=0, clock=utc(2, 14), moving={})
    yield session


@pytest.mark.parametrize(
    ("ask", "answered"),
    [
        (partial(control.seek, when=utc(7, 15)), lambda row: row.seek_to is None),
        (control.stop, lambda row: row.state == State.STOPPED),
        (control.pause, lambda row: row.state == State.PAUSED),
    ],
    ids=["seek", "stop", "pause"],
)
def test_what_is_asked_for_meanwhile_takes_effect_after_them(
    unnoted: Session, ask: Ask, answered: Callable[[Session], bool]
) -> None:
    before = redis_connection().xlen(stream_key(unnoted.pk, 2))
    assert before
    ask(unnoted.pk)
    with playing(empty=False):
        wait_until(unnoted, answered)
        if ask is control.pause:
            assert unnoted.run.clock == OUT
            control.stop(unnoted.pk)
            wait_until(unnoted, lambda row: row.state == State.STOPPED)
    assert verify(unnoted.pk).problems == []
    noted = DayMark.objects.filter(session=unnoted, generation=2).values_list("date", flat=True)
    assert {date.day for date in noted} == {2, 3}
