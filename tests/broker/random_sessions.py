"""A session of real days, disturbed at random: orders of two accounts, steps, bursts, seeks, forks and SIGKILLs."""

from __future__ import annotations

import datetime as dt
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from django.conf import settings

from broker import accounts
from broker.accounts import Opening
from broker.desk import minutes_end, open_desk
from broker.matching.state import Event
from broker.matching_days import MatchingDays
from broker.models import Account, AccountEvent, Request
from broker.refusals import Refusal
from broker.trader import Trader
from marketdata.models import Dataset, QuotesOf
from marketdata.units import MINUTE_MS
from sessions import control
from sessions.control import ControlError
from sessions.models import Run, ServiceHeartbeat, Session, TransitionError
from streaming.as_of.newest_frame import clock_ms
from streaming.engine.frames.frame_id import milliseconds, moment
from streaming.engine.publishing.participants import Stage
from streaming.engine.records import lease as leases
from streaming.engine.records.lease import Lease
from streaming.starts import service as streams
from streaming.starts.copies import fork
from streaming.starts.request import StartRequest
from tests.broker.random_requests import Owner, terms
from tests.workers import ROOT, database_url

FIRST, LAST = dt.date(2013, 10, 7), dt.date(2013, 10, 9)
SYMBOLS = ("IBM", "AIG", "BAC")
"""Quotes and trades on two days and trades on the third; trades on one and bars on two; bars."""
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
MOST_FORKS = 2


class Workers:
    """One worker process at a time, forked from one that has everything imported."""

    def __init__(self, log: Path) -> None:
        environment = {"DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL, "LEASE_TTL": "60"}
        self.log = log.open("ab")
        self.nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.nursery"],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self._answer()
        self.start()
        await_that(ServiceHeartbeat.objects.filter(kind="replay").exists, "a worker")

    def _answer(self) -> str:
        assert self.nursery.stdout
        return self.nursery.stdout.readline().strip()

    def start(self) -> None:
        assert self.nursery.stdin
        self.nursery.stdin.write("start\n")
        self.nursery.stdin.flush()
        self.pid = int(self._answer())

    def kill(self) -> None:
        """What it held may be taken at once: nobody waits for a lease to run out."""
        process = psutil.Process(self.pid)
        os.kill(self.pid, signal.SIGKILL)
        await_that(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, "the worker's end")
        Run.objects.exclude(lease_renewed_at=None).update(lease_renewed_at=LONG_AGO)

    def close(self) -> None:
        self.kill()
        assert self.nursery.stdin and self.nursery.stdout
        self.nursery.stdin.close()
        self.nursery.stdout.close()
        self.nursery.wait(20)
        self.log.close()


@dataclass
class Forked:
    """A fork, and what must come of each account's open orders in it, by its name; None where that is not known."""

    session: Session
    expected: dict[str, list[Event]] | None


@dataclass
class RandomSession:
    """`play` until the session's end; `lines` say what was done."""

    seed: int
    workers: Workers
    lines: list[str] = field(default_factory=list)
    forks: list[Forked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = rng = random.Random(self.seed)
        quotes = rng.choice([QuotesOf.CONSOLIDATED, QuotesOf.CONSOLIDATED, QuotesOf.EXCHANGE])
        Dataset.objects.filter(source="lean").update(quotes=quotes)
        self.hours = rng.choice(["regular", "regular", "extended"])
        request = StartRequest(SYMBOLS, FIRST, LAST, dataset="lean", paused=True, speed=0, hours=self.hours)
        self.session = streams.start(request).session
        self.accounts = [
            accounts.create(self.session, Opening(name=name, cash=cash, terms=terms(rng)))  # type: ignore[arg-type]
            for name, cash in (("large", 50_000_000), ("small", 400_000))
        ]
        self.owners = [Owner(rng, account.pk, SYMBOLS) for account in self.accounts]
        self.say("starts", f"{self.hours} hours, {quotes} quotes, {[each.terms for each in self.accounts]}")

    def say(self, what: str, how: object = "") -> None:
        clock = Run.objects.get(pk=self.session.pk).clock
        self.lines.append(f"{clock:%m-%d %H:%M:%S} {what} {how}" if clock else f"{what} {how}")

    def play(self) -> None:
        acts = {self.ask: 22, self.step: 8, self.burst: 4, self.seek: 2, self.fork: 1, self.kill: 1, self.lose: 1}
        for _ in range(self.rng.randint(40, 60)):
            if not Session.objects.get(pk=self.session.pk).is_live:
                break
            self.rng.choices(list(acts), list(acts.values()))[0]()
        self.say("goes on to its end")
        run_to_the_end(self.session)
        for forked in self.forks:
            run_to_the_end(forked.session)

    def counts(self) -> str:
        events = AccountEvent.objects.filter(account__in=self.accounts, voided_in=None)
        return f"{events.count()} events, {events.exclude(execution=None).count()} fills, {len(self.forks)} forks"

    # --- what may happen ----------------------------------------------------------------------------

    def ask(self) -> None:
        owner = self.rng.choice(self.owners)
        act = owner.act()
        name = f"account {owner.account_id} {act.__name__}"  # type: ignore[attr-defined]
        try:
            self.say(name, act())
        except Refusal as refusal:
            self.say(name, f"is refused: {refusal.message}")

    def step(self) -> None:
        self.go_on(self.rng.choice([1, 1, 1, 2, 7, 30, 120]))

    def go_on(self, minutes: int) -> None:
        self.say("steps", f"{minutes} minutes")
        with suppress(ControlError):  # it may have come to its end
            control.step(self.session.pk, minutes)
            await_step(self.session)

    def burst(self) -> None:
        """Requests, and perhaps a kill, while frames go out."""
        minutes = self.rng.choice([10, 60, 300])
        self.say("steps meanwhile", f"{minutes} minutes")
        with suppress(ControlError):
            control.step(self.session.pk, minutes)
        for _ in range(self.rng.randint(1, 4)):
            time.sleep(self.rng.uniform(0, 0.03))
            self.kill() if self.rng.random() < 0.3 else self.ask()
        await_step(self.session)

    def seek(self) -> None:
        day = self.session.calendar.trading_day(self.rng.choice([FIRST, LAST, FIRST + dt.timedelta(days=1)]))
        if self.rng.random() < 0.6 and (clock := Run.objects.get(pk=self.session.pk).clock):
            to = clock - dt.timedelta(minutes=self.rng.choice([1, 5, 60, 300]))
        else:
            to = day.open + dt.timedelta(minutes=self.rng.randint(0, 389))
        if self.rng.random() < 0.15:
            to += dt.timedelta(seconds=self.rng.randint(1, 59))
        self.say("seeks", f"{to:%m-%d %H:%M:%S}")
        try:
            control.seek(self.session.pk, to)
        except ControlError as error:
            self.say("is not moved:", error)
            return
        if self.rng.random() < 0.2:
            time.sleep(self.rng.uniform(0, 0.03))
            self.kill()
        await_that(lambda: Session.objects.get(pk=self.session.pk).seek_to is None, "the seek")

    def fork(self) -> None:
        if len(self.forks) == MOST_FORKS or Run.objects.get(pk=self.session.pk).clock is None:
            return
        settled = self.rng.random() < 0.8
        if settled:
            await_requests(self.session)
        try:
            copy = fork(self.session.pk)
        except ControlError as error:
            self.say("is not forked:", error)
            return
        self.say("is forked", f"as session {copy.pk}")
        expected = {each.name: self._what_comes(each, copy) for each in self.accounts} if settled else None
        self.forks.append(Forked(copy, expected))
        streams.open_streams(copy, lambda _: None)

    def _what_comes(self, account: Account, copy: Session) -> list[Event]:
        """Of an account of which nothing more is asked, from the fork's clock on."""
        assert copy.start_at
        clock = milliseconds(copy.start_at)
        trader = Trader(Account.objects.get(pk=account.pk), MatchingDays(self.session))
        trader.clock = minutes_end
        trader.stand(clock, with_requests_until=clock)
        trader.book.take_events()
        trader.advance(milliseconds(copy.calendar.trading_day(LAST).end))
        return trader.book.take_events()[0]

    def kill(self) -> None:
        self.say("its worker is killed")
        self.workers.kill()
        self.workers.start()

    def lose(self) -> None:
        """A worker writes what comes of frames, and is killed before it has published them."""
        if Run.objects.get(pk=self.session.pk).clock is None:
            return
        self.workers.kill()
        lease = self._claim()
        row = Session.objects.with_run().get(pk=self.session.pk)
        published, minutes = clock_ms(row), self.rng.choice([1, 30])
        end = milliseconds(row.calendar.trading_day(row.calendar.session_date_of(moment(published))).end)
        self.say("a worker that is lost has written", f"{minutes} minutes")
        lost = open_desk(Stage(row, lease.epoch, row.run.generation, published))
        lost.pick_up()
        lost.before(min(published + minutes * MINUTE_MS, end))
        Run.objects.filter(pk=row.pk).update(lease_renewed_at=LONG_AGO)
        self.workers.start()
        if self.rng.random() < 0.3:
            self.seek()
        self.go_on(minutes + 1)

    def _claim(self) -> Lease:
        """As a worker does; what one that was killed had begun in the database may end only now."""
        while (lease := leases.claim(self.session.pk)) is None:
            Run.objects.filter(pk=self.session.pk).exclude(lease_renewed_at=None).update(lease_renewed_at=LONG_AGO)
            time.sleep(0.01)
        return lease


def await_that(true: Callable[[], object], what: str, seconds: float = 60, every: float = 0.005) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not come within {seconds:g} s")
        time.sleep(every)


def await_step(session: Session) -> None:
    def there() -> bool:
        row = Session.objects.with_run().get(pk=session.pk)
        if not row.is_live or row.run_until is None:
            return True
        return bool(row.run.clock and row.run.clock >= row.run_until.replace(second=0))  # frames are minutes' ends

    await_that(there, "the step's end")


def await_requests(session: Session) -> None:
    waiting = Request.objects.filter(account__session=session, taken_ms=None, voided_in=None)
    await_that(lambda: not waiting.exists(), "the requests' being picked up")


def run_to_the_end(session: Session) -> None:
    await_that(lambda: Session.objects.get(pk=session.pk).state != "starting", "the session's start")
    row = Session.objects.get(pk=session.pk)
    if row.is_live and row.paused:
        with suppress(TransitionError):  # a step over the last day's end ends it
            control.resume(session.pk)
    await_that(lambda: not Session.objects.get(pk=session.pk).is_live, "the session's end", 120)
