"""A day is loaded in a thread of the pool; at full speed the same thread loads the next one too."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor

import pytest

from streaming.engine.days.day_loader import LINGER_SECONDS, DayLoader

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def thread_of(asked: int) -> int:
    if asked < 0:
        raise ValueError(f"no day {asked}")
    return threading.get_ident()


def test_at_full_speed_one_thread_loads_day_after_day(threads: ThreadPoolExecutor) -> None:
    loader = DayLoader(threads, thread_of)
    found = {loader.ask(day, another_soon=True).result(5) for day in range(50)}
    assert len(found) == 1


def test_two_days_at_once_are_loaded_side_by_side(threads: ThreadPoolExecutor) -> None:
    meeting = threading.Barrier(2, timeout=5)
    loader = DayLoader(threads, lambda asked: meeting.wait())
    both = [loader.ask(day, another_soon=True) for day in range(2)]
    assert sorted(future.result(5) for future in both) == [0, 1]


@pytest.mark.parametrize("pause", [0.0, LINGER_SECONDS * 0.98, LINGER_SECONDS, LINGER_SECONDS * 1.02, 0.2])
def test_no_day_is_lost_however_long_the_next_one_is_not_asked_for(threads: ThreadPoolExecutor, pause: float) -> None:
    loader = DayLoader(threads, thread_of)
    for day in range(12):
        loader.ask(day, another_soon=True).result(5)
        time.sleep(pause)


def test_a_day_that_fails_is_its_own_and_the_next_is_loaded(threads: ThreadPoolExecutor) -> None:
    loader = DayLoader(threads, thread_of)
    loader.ask(1, another_soon=True).result(5)
    with pytest.raises(ValueError, match="no day -1"):
        loader.ask(-1, another_soon=True).result(5)
    assert loader.ask(2, another_soon=True).result(5)


def test_a_day_that_is_not_wanted_any_more_is_not_loaded() -> None:
    loaded: list[int] = []
    holding = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(holding.wait, 5)
        loader = DayLoader(pool, loaded.append)
        unwanted, wanted = (loader.ask(day, another_soon=False) for day in range(2))
        assert unwanted.cancel()
        holding.set()
        wanted.result(5)
    assert loaded == [1]
    with pytest.raises(CancelledError):
        unwanted.result(0)
