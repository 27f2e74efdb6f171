"""The session's moving clock."""

import pytest

from streaming.engine.playing.clock import TimeProvider


@pytest.mark.parametrize("speed", [0.25, 1.0, 60.0, 10_000.0])
def test_market_time_runs_at_the_given_speed(speed: float) -> None:
    clock = TimeProvider(1_000_000.0, speed, wall=50.0)
    assert clock.now(wall=52.0) == 1_000_000 + 2_000 * speed
    assert clock.seconds_until(1_000_000 + 2_000 * speed, wall=50.0) == pytest.approx(2.0)


def test_waits_are_taken_from_the_anchor_so_that_errors_do_not_add_up() -> None:
    clock = TimeProvider(0.0, 60.0, wall=0.0)
    late = [clock.seconds_until(minute * 60_000, wall=minute - 0.7) for minute in range(1, 391)]
    assert late == pytest.approx([0.7] * 390)


def test_nothing_waits_at_speed_zero() -> None:
    assert TimeProvider(0.0, 0.0, wall=0.0).seconds_until(1e15, wall=0.0) == 0.0


def test_what_is_overdue_is_due_now_and_not_earlier() -> None:
    assert TimeProvider(0.0, 1.0, wall=0.0).seconds_until(1_000, wall=9.0) == 0.0
