"""The two clocks of a session: what is as_of, and what time it is."""

from __future__ import annotations

import datetime as dt

import pytest

from gateway.data import market_clock as clock
from marketdata.units import SECOND_NS
from sessions.models import Session, State
from sessions.redis_client import connection as redis_connection
from streaming.engine.publishing.bus import stream_key
from tests.streaming.rows import a_session

TEN = dt.datetime(2024, 11, 18, 15, 0, tzinfo=dt.UTC)
WALL = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
pytestmark = pytest.mark.django_db


def ms(moment: dt.datetime) -> float:
    return moment.timestamp() * 1000


def moving_session(pace: float, **changes: object) -> Session:
    """At ten New York time by its last frame, half a minute further by its clock when the wall read WALL."""
    payload = {"generation": 1, "market": ms(TEN) + 30_000, "wall": ms(WALL), "pace": pace, "until": ms(TEN) + 60_000}
    redis_connection().flushdb()
    return a_session(minutes=30, moving=payload, **changes)


@pytest.mark.parametrize(
    ("pace", "wall_seconds", "expected"),
    [(1.0, 10, 40), (10.0, 2, 50), (0.5, 10, 35), (0.0, 1000, 30), (60.0, 30, 60), (1.0, -100, 0)],
    ids=["1x", "10x", "half speed", "paused", "held at the next frame", "never before the clock"],
)
def test_market_time_moves_between_frames(pace: float, wall_seconds: float, expected: float) -> None:
    at = clock.moving(moving_session(pace), WALL + dt.timedelta(seconds=wall_seconds))
    assert at == TEN + dt.timedelta(seconds=expected)


def test_market_time_stands_still_once_a_session_has_ended() -> None:
    session = moving_session(1.0, state=State.COMPLETED)
    assert clock.moving(session, WALL + dt.timedelta(hours=1)) == TEN


def test_a_clock_of_before_a_seek_means_nothing_after_it() -> None:
    session = moving_session(1.0, generation=2)
    assert clock.moving(session, WALL + dt.timedelta(seconds=5)) == TEN


def test_a_frame_that_is_out_is_visible_before_the_row_says_so() -> None:
    session = moving_session(1.0)
    assert clock.as_of(session) == int(TEN.timestamp()) * SECOND_NS
    key = stream_key(session.pk, 1)
    redis_connection().xadd(key, {"b": b"", "h": b""}, id=f"{int(ms(TEN)) + 60_000}-0")
    assert clock.as_of(session) == (int(TEN.timestamp()) + 60) * SECOND_NS
    redis_connection().delete(key)


def test_before_the_first_frame_it_is_the_open() -> None:
    session = moving_session(1.0, frame_id="", clock=None)
    assert clock.as_of(session) == int(dt.datetime(2024, 11, 18, 14, 30, tzinfo=dt.UTC).timestamp()) * SECOND_NS


@pytest.mark.parametrize(
    ("at", "is_open", "next_open", "next_close"),
    [
        ("2025-07-02T09:29:59-04:00", False, "2025-07-02T09:30:00-04:00", "2025-07-02T16:00:00-04:00"),
        ("2025-07-02T09:30:00-04:00", True, "2025-07-03T09:30:00-04:00", "2025-07-02T16:00:00-04:00"),
        ("2025-07-02T16:00:00-04:00", False, "2025-07-03T09:30:00-04:00", "2025-07-03T13:00:00-04:00"),
        ("2025-07-03T12:59:00-04:00", True, "2025-07-07T09:30:00-04:00", "2025-07-03T13:00:00-04:00"),
        ("2025-07-05T12:00:00-04:00", False, "2025-07-07T09:30:00-04:00", "2025-07-07T16:00:00-04:00"),
        ("2024-03-08T16:30:00-05:00", False, "2024-03-11T09:30:00-04:00", "2024-03-11T16:00:00-04:00"),
    ],
    ids=["before the open", "at the open", "at the close", "half day before a holiday", "weekend", "clocks go forward"],
)
def test_the_market_clock_names_the_next_open_and_close(
    at: str, is_open: bool, next_open: str, next_close: str
) -> None:
    reported = clock.market_clock(dt.datetime.fromisoformat(at))
    assert reported == {"timestamp": at, "is_open": is_open, "next_open": next_open, "next_close": next_close}
