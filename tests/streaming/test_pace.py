"""What a session reports of its own pace."""

from __future__ import annotations

import datetime as dt
import time

import pytest

from sessions import control
from streaming.engine.frames.frame_id import FrameId
from streaming.engine.playing.pace import Pace
from streaming.status import session_reports
from tests.streaming.playing import start, utc, wait_until
from tests.workers import Player

OPEN = 1_731_940_200_000


def frames(first: int, last: int | None = None, generation: int = 1) -> tuple[FrameId, FrameId]:
    minutes = (first, first if last is None else last)
    one, other = (FrameId(generation, OPEN + 60_000 * minute, 0) for minute in minutes)
    return one, other


def after(pace: Pace, seconds: float) -> dict[str, object]:
    """The report of a pace that began so many seconds ago."""
    pace.began -= seconds
    return pace.report()


def test_speed_is_market_time_over_wall_time() -> None:
    pace = Pace()
    pace.published(*frames(0), None)
    pace.published(*frames(1, 3), None)
    pace.published(*frames(10), None)
    assert after(pace, 10)["real_speed"] == pytest.approx(60, rel=0.01)


def test_nights_and_seeks_are_no_market_time() -> None:
    pace = Pace()
    pace.published(*frames(389, 390), None)
    pace.published(*frames(1440, 1441), None)
    pace.published(*frames(5, 6, generation=2), None)
    assert after(pace, 10)["real_speed"] == pytest.approx(18, rel=0.01)


def test_the_clock_error_is_the_99th_percentile_of_the_lateness() -> None:
    pace = Pace()
    for late in range(200):
        pace.published(*frames(late), float(late))
    assert after(pace, 2)["clock_error"] == 198.0


def test_the_bottleneck_is_the_stage_that_takes_most_of_the_time_if_it_takes_much() -> None:
    pace = Pace()
    pace.spent |= {"Redis": 1.5, "merge": 0.5}
    assert after(pace, 10)["bottleneck"] == "Redis"
    pace.spent["merge"] = 0.5
    assert after(pace, 10)["bottleneck"] == ""


def test_a_stage_within_another_is_not_counted_twice() -> None:
    pace, began = Pace(), time.monotonic()
    with pace.stage("Redis"):
        for _ in range(2):
            with pace.stage("merge"):
                time.sleep(0.1)
    assert pace.spent["merge"] >= 0.2
    assert sum(pace.spent.values()) <= time.monotonic() - began


def test_nothing_is_reported_before_two_seconds_are_over() -> None:
    assert Pace().report() == {}


@pytest.mark.django_db(transaction=True)
def test_a_running_session_shows_its_real_speed_and_clock_error(player: Player, real_days: str) -> None:
    session = start(speed=600.0)
    wait_until(
        session, lambda s: s.run.real_speed is not None and s.run.clock > utc(2, 13, 31) + dt.timedelta(minutes=30)
    )
    (row,) = session_reports(redis_answers=False)
    assert 0 < row["real_speed"] <= 700
    assert row["clock_error"] >= 0
    control.stop(session.pk)
    wait_until(session, lambda s: not s.is_live)
