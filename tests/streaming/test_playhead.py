"""Where a session stands on its tape, and when its next frame is due."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import pytest

from sessions.models import Session
from streaming.engine.frames.frame_id import milliseconds
from streaming.engine.playing.playhead import Playhead
from streaming.engine.tape.merge import Tape
from tests.streaming.test_tape import HALF_DAY, bars

MINUTE = dt.timedelta(minutes=1)
OPEN = HALF_DAY.open


def a_playhead(at: dt.datetime | None = None, **wanted: Any) -> Playhead:
    return Playhead(Tape(HALF_DAY, {"AAPL": bars(list(range(210)))}, [], synthetic=False), at, Session(**wanted))


@pytest.mark.parametrize(
    ("at", "next_frame"),
    [
        pytest.param(None, 0, id="before the first frame"),
        pytest.param(OPEN, 1, id="at the open, which is reported"),
        pytest.param(OPEN + 10 * MINUTE, 11, id="after a minute's end"),
        pytest.param(HALF_DAY.close, 211, id="at the close"),
    ],
)
def test_a_playhead_stands_after_the_moment_it_is_put_to(at: dt.datetime | None, next_frame: int) -> None:
    assert a_playhead(at, speed=1.0).k == next_frame


def test_market_time_runs_at_its_speed_and_never_past_the_next_frame() -> None:
    head = a_playhead(OPEN, speed=60.0)
    head.time.wall -= 0.5
    assert 30_000 <= head.now() - milliseconds(OPEN) < 60_000
    head.time.wall -= 3600
    assert head.now() == milliseconds(OPEN + MINUTE)


def test_all_frames_that_are_due_go_out_together() -> None:
    head = a_playhead(OPEN, speed=60.0)
    head.time.wall -= 3.5
    assert head.last_due() == 4


def test_a_paused_session_stands_until_a_step_reaches_beyond_what_is_out() -> None:
    assert a_playhead(OPEN, paused=True).standing
    assert a_playhead(OPEN, paused=True, run_until=OPEN).standing
    stepping = a_playhead(OPEN, paused=True, run_until=OPEN + 2 * MINUTE)
    assert not stepping.standing and (stepping.wait(), stepping.last_due()) == (0.0, 3)


def test_a_paused_session_stands_at_the_close_too() -> None:
    assert a_playhead(HALF_DAY.close, paused=True, run_until=HALF_DAY.close).standing
    assert not a_playhead(HALF_DAY.close, paused=True, run_until=HALF_DAY.close + MINUTE).standing


def test_a_change_of_speed_keeps_the_market_time_so_far() -> None:
    head = a_playhead(OPEN, speed=60.0)
    head.time.wall -= 0.5
    head.obey(Session(speed=1.0))
    assert 30_000 <= head.now() - milliseconds(OPEN) < 40_000
    head.obey(Session(speed=1.0, paused=True))
    stood = head.moving(still=False)
    head.time.wall -= 100
    assert head.moving(still=False)["market"] == stood["market"] and stood["pace"] == 0


@pytest.mark.parametrize(
    ("alive_seconds", "market_seconds"),
    [
        pytest.param(None, 20, id="released: where the holder wrote"),
        pytest.param(15.0, 35, id="silent: up to when it renewed last"),
        pytest.param(3600.0, 60, id="never past the next frame"),
        pytest.param(-5.0, 20, id="clocks that differ take nothing back"),
    ],
)
def test_a_takeover_goes_on_in_mid_minute(alive_seconds: float | None, market_seconds: float) -> None:
    head, wall = a_playhead(OPEN, speed=1.0), dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    moving = {"market": milliseconds(OPEN) + 20_000.0, "wall": milliseconds(wall) * 1.0, "pace": 1.0}
    head.carry_over(moving, None if alive_seconds is None else wall + dt.timedelta(seconds=alive_seconds))
    assert 0 <= head.now() - milliseconds(OPEN) - 1000 * market_seconds < 900


def test_a_takeover_of_a_paused_session_stands_at_its_frame() -> None:
    head = a_playhead(OPEN, paused=True, speed=1.0)
    head.carry_over({"market": milliseconds(OPEN) + 20_000.0, "wall": 0.0, "pace": 0.0}, None)
    assert head.time.market_ms == milliseconds(OPEN)


def test_a_session_that_cannot_keep_up_does_not_catch_up_in_a_burst() -> None:
    head = a_playhead(OPEN, speed=60.0)
    head.time.wall -= 10
    head.k = 2
    head.played(milliseconds(OPEN + MINUTE), held_up=False)
    assert head.now() < milliseconds(OPEN + MINUTE) + 60_000 * (time.monotonic() - head.time.wall + 1)
    assert head.last_due() == 2 + 1
