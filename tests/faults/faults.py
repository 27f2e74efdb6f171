"""The faults, by name: each disturbs a running session once. `Run` is what they disturb."""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from sessions import control
from sessions.models import Run as RunRow
from sessions.models import Session, State
from sessions.redis_client import connection as redis_connection
from streaming.base.db import connected
from streaming.base.queues import queue_replay
from streaming.starts import service
from streaming.starts.request import StartRequest
from streaming.upkeep import rounds
from tests.faults.arena import LEASE_TTL, Arena, frozen, patiently, wait_for

FIRST, LAST = dt.date(2025, 7, 2), dt.date(2025, 7, 7)
SYMBOLS = ("AAPL", "IBM", "MSFT")
SPEED, SLOW = 9000.0, 60.0


@dataclass
class Run:
    """One session in the arena; `cut` is how long servers are cut off."""

    arena: Arena
    rng: random.Random
    cut: float
    session: Session
    takeovers: list[float] = field(default_factory=list)
    moved: bool = False

    def at_a_random_frame(self) -> None:
        self._look()
        begin = self.session.run.clock or dt.datetime(2025, 7, 2, 13, 30, tzinfo=dt.UTC)
        self.until_clock(begin + dt.timedelta(minutes=self.rng.randint(5, 120)))

    def until_clock(self, clock: dt.datetime) -> None:
        wait_for(
            lambda: not self._look().is_live or (self.session.run.clock or clock) >= clock, f"{clock}", every=0.005
        )

    def holder(self) -> int:
        """The pid of the worker that plays the session."""
        wait_for(lambda: not self._look().is_live or self.session.run.worker, "a worker")
        return int(self.session.run.worker.rpartition(":")[2] or 0)

    def _look(self) -> Session:
        patiently(self.session.refresh_from_db)
        return self.session

    def kill_holder(self) -> None:
        """The other worker takes over; a new one takes the dead one's place."""
        pid = self.holder()
        if pid not in self.arena.workers():
            return
        since = dt.datetime.now(dt.UTC)
        self.arena.kill_worker(pid)
        wait_for(lambda: not self._look().is_live or self._taken_over(since), "a takeover", 60)
        if (event := self._taken_over(since)) is not None:
            self.takeovers.append((event - since).total_seconds())
        self.arena.keep_workers(2)

    def _taken_over(self, since: dt.datetime) -> dt.datetime | None:
        rows = self.session.events.filter(kind__in=("recovery", "state"), at__gt=since).order_by("id")
        return rows.values_list("at", flat=True).first()


def worker_killed_at_a_random_frame(run: Run) -> None:
    run.at_a_random_frame()
    run.kill_holder()


def worker_killed_at_the_rollover(run: Run) -> None:
    """Within the last minutes of a day, or the first of the next."""
    close = dt.datetime(2025, 7, 2, 20, 0, tzinfo=dt.UTC)
    run.until_clock(close - dt.timedelta(minutes=run.rng.randint(0, 2)))
    run.kill_holder()


def worker_killed_in_a_seek(run: Run) -> None:
    run.at_a_random_frame()
    to = dt.datetime(2025, 7, run.rng.choice((2, 3, 7)), 15, run.rng.randint(0, 59), tzinfo=dt.UTC)
    try:
        patiently(lambda: control.seek(run.session.pk, to))
    except control.ControlError:
        return
    run.moved = True
    time.sleep(run.rng.uniform(0, 0.05))
    run.kill_holder()
    wait_for(lambda: not run._look().is_live or run.session.seek_to is None, "the seek")


def worker_frozen_past_its_lease(run: Run) -> None:
    """Somebody else plays on; the sleeper wakes in the midst of it and must harm nothing."""
    run.at_a_random_frame()
    pid = run.holder()
    if pid not in run.arena.workers():
        return
    since = dt.datetime.now(dt.UTC)
    with frozen([psutil.Process(pid)]):
        wait_for(lambda: not run._look().is_live or run._taken_over(since), "a takeover", 60)
        time.sleep(run.rng.uniform(0, 0.3))


def redis_killed_with_its_file(run: Run) -> None:
    run.at_a_random_frame()
    run.arena.kill_redis(with_file=True)


def redis_killed_without_its_file(run: Run) -> None:
    run.at_a_random_frame()
    run.arena.kill_redis(with_file=False)


def redis_flushed(run: Run) -> None:
    run.at_a_random_frame()
    redis_connection().flushall()


def redis_cut_off(run: Run) -> None:
    run.at_a_random_frame()
    run.arena.cut("redis", run.cut)


def postgres_restarted(run: Run) -> None:
    run.at_a_random_frame()
    run.arena.restart_postgres(kill=False)


def postgres_killed(run: Run) -> None:
    run.at_a_random_frame()
    run.arena.restart_postgres(kill=True)


def postgres_cut_off(run: Run) -> None:
    run.at_a_random_frame()
    run.arena.cut("postgres", run.cut)


def lease_given_to_two_workers(run: Run) -> None:
    """The row says that the lease has run out while its holder is well: the other worker claims it."""
    run.at_a_random_frame()
    epoch = run.session.run.epoch
    with suppress(control.ControlError):  # it has ended by itself
        control.set_speed(run.session.pk, SLOW)  # else the run may be over before the other worker looks
        wait_for(lambda: not run._look().is_live or run.session.run.epoch > epoch or _run_out(run), "a second claim")
        control.set_speed(run.session.pk, SPEED)


def _run_out(run: Run) -> bool:
    RunRow.objects.filter(pk=run.session.pk).update(lease_renewed_at=dt.datetime(2025, 1, 1, tzinfo=dt.UTC))
    time.sleep(0.2)
    return False


def beat_fired_twice(run: Run) -> None:
    run.at_a_random_frame()
    beats = [threading.Thread(target=connected()(rounds.run)) for _ in range(4)]
    for thread in beats:
        thread.start()
    for thread in beats:
        thread.join()


def task_delivered_again(run: Run) -> None:
    """A Celery worker gets the message five times over: the lease is taken, so it walks away."""
    if not run.arena.celery:
        run.arena.start_celery()
    run.at_a_random_frame()
    for _ in range(5):
        queue_replay(run.session.pk)
    wait_for(lambda: not redis_connection().llen("replay"), "an empty queue")


FAULTS: dict[str, tuple[Callable[[Run], None], tuple[str, ...]]] = {
    "worker killed at a random frame": (worker_killed_at_a_random_frame, ("recovery",)),
    "worker killed at the rollover": (worker_killed_at_the_rollover, ("recovery",)),
    "worker killed in a seek": (worker_killed_in_a_seek, ("recovery", "seek")),
    "worker frozen past its lease and woken": (worker_frozen_past_its_lease, ("recovery",)),
    "Redis killed, its file kept": (redis_killed_with_its_file, ()),
    "Redis killed, its file lost": (redis_killed_without_its_file, ("redis",)),
    "Redis flushed": (redis_flushed, ("redis",)),
    "Redis cut off": (redis_cut_off, ()),
    "Postgres restarted": (postgres_restarted, ()),
    "Postgres killed": (postgres_killed, ()),
    "Postgres cut off": (postgres_cut_off, ()),
    "two workers on one session": (lease_given_to_two_workers, ("recovery",)),
    "beat fired twice": (beat_fired_twice, ()),
    "task delivered again and again": (task_delivered_again, ()),
}
"""Name → the fault, and the kinds of events that must report it."""
KILLING = tuple(name for name in FAULTS if "killed" in name)


def begin(arena: Arena, rng: random.Random, cut: float, speed: float = SPEED) -> Run:
    started = service.start(StartRequest(SYMBOLS, FIRST, LAST, speed=speed))
    return Run(arena, rng, cut, started.session)


def begin_killed_while_loading(arena: Arena, rng: random.Random, cut: float) -> Run:
    """The worker dies between taking the session and saying that its day is loaded."""
    session = service.create(StartRequest(SYMBOLS, FIRST, LAST, speed=SPEED))
    starting = threading.Thread(target=connected()(service.open_streams), args=(session, service.quiet))
    starting.start()
    run = Run(arena, rng, cut, Session.objects.get(pk=session.pk))
    wait_for(lambda: run._look().run.epoch > 0 or run.session.state == State.FAILED, "a claim", every=0.001)
    if run.session.run.worker:
        run.kill_holder()
    starting.join()
    return run


def begin_with_its_task_lost(arena: Arena, rng: random.Random, cut: float) -> Run:
    """The queue forgets the message: the workers look for such sessions by themselves."""
    queued = service.queues.queue_replay
    service.queues.queue_replay = lambda _: None
    try:
        return begin(arena, rng, cut)
    finally:
        service.queues.queue_replay = queued


BEGINNINGS = {
    "worker killed while it loads": begin_killed_while_loading,
    "the queue's task lost": begin_with_its_task_lost,
}


def finish(run: Run) -> None:
    """As fast as possible to the end."""
    with suppress(control.ControlError):  # it has ended by itself
        patiently(lambda: control.set_speed(run.session.pk, 0.0))
    wait_for(lambda: not run._look().is_live, f"the end of session {run.session.pk}", 120)


MOST_TAKEOVER = LEASE_TTL + 2.0
