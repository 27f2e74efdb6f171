"""A worker with too much to do gives a session up to one with room, and readers lose nothing by it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Mapping

import pytest

from sessions import control
from sessions.models import Run, Session, State
from streaming.engine.playing import relief
from streaming.engine.playing.player import Player
from streaming.engine.records import lease as leases
from streaming.starts import service
from streaming.starts.request import StartRequest
from streaming.verify.session import verify
from tests.streaming.playing import wait_until
from tests.workers import StartWorker, playing


@pytest.mark.parametrize(
    ("shares", "busy", "other", "released"),
    [
        ({1: 0.55, 2: 0.35}, 0.95, 0.02, 1),  # two that need a core each: one moves
        ({1: 0.3, 2: 0.3, 3: 0.3}, 0.92, 0.0, 1),
        ({1: 0.95}, 0.97, 0.0, None),  # alone: it would be as slow elsewhere
        ({1: 0.95, 2: 0.01}, 0.97, 0.0, None),  # moving either makes nobody faster
        ({1: 0.25, 2: 0.2}, 0.47, 0.0, None),  # not busy
        ({1: 0.5, 2: 0.45}, 0.97, 0.9, None),  # the other one is busy itself
        ({1: 0.6, 2: 0.25, 3: 0.1}, 0.97, 0.3, 2),  # the large one would make the other the busier
        ({}, 0.97, 0.0, None),
    ],
)
def test_a_move_must_leave_the_busier_worker_with_clearly_less(
    shares: dict[int, float], busy: float, other: float, released: int | None
) -> None:
    assert relief.to_release(shares, busy, other) == released


def test_shares_are_of_the_window_alone_and_of_sessions_that_were_there_all_through_it() -> None:
    used = iter([10.0, 10.9, 10.9])
    usage = relief.Usage(window=0.01, process_time=lambda: next(used))
    usage.window, begun = 0.0, usage.begun
    assert usage.measure({1: 5.0})
    assert usage.shares == {}, "it came during the window"
    assert usage.busy == pytest.approx(0.9 / (usage.begun - begun))
    begun = usage.begun
    assert usage.measure({1: 5.5, 2: 3.0})
    assert usage.shares.keys() == {1}
    assert usage.shares[1] == pytest.approx(0.5 / (usage.begun - begun))
    usage.window = 60
    assert not usage.measure({1: 9.0})


class Busy(relief.Usage):
    """A worker whose sessions use half a core each, whatever this machine is."""

    def measure(self, threads: Mapping[int, float]) -> bool:
        self.busy, self.shares = 0.97, dict.fromkeys(threads, 0.48)
        return bool(threads)


@pytest.fixture
def busy_player(transactional_db: None) -> Iterator[Player]:
    with playing(Busy()) as here:
        yield here


@pytest.mark.django_db(transaction=True)
def test_a_busy_worker_gives_one_of_two_sessions_to_an_idle_one(busy_player: Player, start_worker: StartWorker) -> None:
    day = dt.date(2025, 7, 2)
    request = StartRequest(("AAPL",), day, day, provider="synthetic", speed=600)
    made = [service.start(request).session for _ in range(2)]
    time.sleep(1)
    assert set(workers_of(made)) == {leases.worker_name()}, "nobody else has room"
    start_worker()
    deadline = time.monotonic() + 90
    while len(set(workers_of(made))) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(set(workers_of(made))) == 2
    (event,) = [row for session in made for row in session.events.filter(kind="relief")]
    assert "to another worker" in event.message and "97%" in event.message
    for session in made:
        control.set_speed(session.pk, 0)
        wait_until(session, lambda row: row.state == State.COMPLETED)
        assert verify(session.pk).ok
        assert session.run.frame_count == 391, "390 minutes and the close"


def workers_of(made: list[Session]) -> list[str]:
    return [worker for worker in Run.objects.filter(session__in=made).values_list("worker", flat=True) if worker]
