"""A replay: its recipe, its state, and what is requested of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from marketdata.exchange_calendar import NEW_YORK_STOCKS, ExchangeCalendar, calendar_of
from marketdata.hours import Hours
from marketdata.models import Dataset
from sessions import wakeup
from sessions.models.run import Run
from sessions.whole_rows import WholeRows

if TYPE_CHECKING:
    from sessions.models.events import SessionEvent


class State(models.TextChoices):
    CREATED = "created"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"


TRANSITIONS: dict[State, frozenset[State]] = {
    State.CREATED: frozenset({State.STARTING, State.STOPPED, State.FAILED}),
    State.STARTING: frozenset({State.RUNNING, State.PAUSED, State.STOPPED, State.FAILED}),
    State.RUNNING: frozenset({State.PAUSED, State.COMPLETED, State.STOPPED, State.FAILED}),
    State.PAUSED: frozenset({State.RUNNING, State.COMPLETED, State.STOPPED, State.FAILED}),
    State.COMPLETED: frozenset(),
    State.STOPPED: frozenset(),
    State.FAILED: frozenset(),
}
LIVE = (State.CREATED, State.STARTING, State.RUNNING, State.PAUSED)
UNSTARTED_FOR = dt.timedelta(seconds=30)
"""Age at which a session that a worker was to start counts as forgotten."""
ENDED = (State.COMPLETED, State.STOPPED, State.FAILED)


class TransitionError(Exception):
    """A state change that the life cycle does not have, or that another was faster with."""

    def __init__(self, session: Session, target: str) -> None:
        self.session_id, self.state, self.target = session.pk, session.state, target
        again = ": restart it to play it again" if session.state in ENDED and target != State.STOPPED else ""
        super().__init__(f"Session {session.pk} is {session.state}: it cannot become {target}{again}.")


def only_bars() -> list[str]:
    return ["bars"]


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self) -> SessionQuerySet:
        return self.filter(state__in=LIVE)

    def claimable(self, ttl: dt.timedelta) -> SessionQuerySet:
        """Live, started, and under no lease that Postgres's clock still honors."""
        return self.filter(state__in=(State.STARTING, State.RUNNING, State.PAUSED), run__in=Run.objects.unheld(ttl))

    def never_opened(self) -> SessionQuerySet:
        """Created to be started by a worker, and never started: the message was lost, or its worker died."""
        return self.filter(state=State.CREATED, start_requested=True, created_at__lt=Now() - UNSTARTED_FOR)

    def with_run(self) -> SessionQuerySet:
        """Each with its run and dataset, in the same query."""
        return self.select_related("run", "dataset")


class Session(models.Model):
    """One replay.

    created → starting → running ⇄ paused → completed; stopped or failed from any live state.

    Requests (`paused`, `stop_requested`, `speed`, `run_until`, `seek_to`, a stream's `requested`) may be written by
    anybody who has the right to, with a new `control_version` (`sessions.control`). Where the replay stands is in its
    `run`, which the lease's holder alone writes. A session always has a run.
    """

    name = models.CharField(max_length=64, blank=True)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="sessions")
    interval = models.CharField(max_length=4, default="1m")
    derive = ArrayField(models.CharField(max_length=4), default=list, blank=True)
    types = ArrayField(models.CharField(max_length=8), default=only_bars, help_text="Of bars, ticks and quotes.")
    clock_step = models.PositiveIntegerField(
        default=100, help_text="Milliseconds of market time by which trades and quotes are grouped into frames."
    )
    hours = models.CharField(max_length=8, choices=Hours, default=Hours.REGULAR, help_text="What of its days it plays.")
    exchange = models.CharField(max_length=8, default=NEW_YORK_STOCKS, help_text="The calendar that its symbols share.")
    night_seconds = models.FloatField(
        default=3.0, help_text="Seconds in which the clock passes from a day's end to the next day; none at speed 0."
    )
    start_date = models.DateField(help_text="First trading day.")
    end_date = models.DateField(help_text="Last trading day.")
    provider = models.CharField(max_length=64, blank=True, help_text="Asked for days the store lacks.")
    as_known = models.BooleanField(
        default=False, help_text="Replay each version from when the market knew it; else the newest when loaded."
    )
    created_by = models.CharField(max_length=150, blank=True)
    start_at = models.DateTimeField(null=True, blank=True, help_text="Clock that it begins at; empty: the first open.")
    forked_from = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="forks")

    state = models.CharField(max_length=10, choices=State, default=State.CREATED)
    reason = models.TextField(blank=True, help_text="Why it failed or waits.")

    start_requested = models.BooleanField(default=False, help_text="Requested: started by a worker.")
    paused = models.BooleanField(default=False, help_text="Requested: paused.")
    stop_requested = models.BooleanField(default=False, help_text="Requested: stopped.")
    speed = models.FloatField(default=1.0, help_text="Market seconds per second; 0 is as fast as possible.")
    run_until = models.DateTimeField(null=True, blank=True, help_text="Requested: pause at this clock (step).")
    seek_to = models.DateTimeField(null=True, blank=True, help_text="Requested: the clock to move to.")
    control_version = models.PositiveBigIntegerField(default=0)

    created_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = SessionQuerySet.as_manager()

    RECIPE = (
        *("name", "dataset_id", "interval", "derive", "types", "clock_step", "hours", "exchange", "night_seconds"),
        *("start_date", "end_date", "provider", "speed", "as_known"),
    )
    """What another session like this one is made of, beside its streams."""

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="session_state_known"),
            models.CheckConstraint(condition=Q(end_date__gte=F("start_date")), name="session_window_ordered"),
            models.CheckConstraint(
                condition=Q(night_seconds__gte=0, night_seconds__lte=3600), name="session_night_within_an_hour"
            ),
            models.CheckConstraint(condition=Q(hours__in=Hours.values), name="session_hours_known"),
            models.CheckConstraint(condition=Q(speed__gte=0), name="session_speed_not_negative"),
            models.CheckConstraint(
                condition=Q(clock_step__gte=1, clock_step__lte=60_000), name="session_clock_step_within_a_minute"
            ),
        ]
        indexes = [models.Index(fields=["state"], condition=Q(state__in=LIVE), name="session_live")]

    def __str__(self) -> str:
        return self.name or f"session {self.pk}"

    @property
    def is_live(self) -> bool:
        return self.state in LIVE

    @property
    def calendar(self) -> ExchangeCalendar:
        """The calendar of its days, as it plays them."""
        return calendar_of(self.exchange, self.hours)

    @property
    def first_date(self) -> dt.date:
        """The date of its first frame: the window's first, but for one that begins in the midst of it."""
        return self.calendar.session_date_of(self.start_at) if self.start_at else self.start_date

    def save(self, *args: Any, **kwargs: Any) -> None:
        adding = self._state.adding or self.pk is None
        with transaction.atomic():
            super().save(*args, **kwargs)
            if adding:
                Run.objects.create(session=self)

    def refresh_from_db(self, using: Any = None, fields: Any = None, from_queryset: Any = None) -> None:
        """Its run is read anew too, in the same statement: a state and a position of two moments fit together badly."""
        if fields is not None:
            super().refresh_from_db(using, fields, from_queryset)
            return
        fresh = read_session(self.pk)
        for field in self._meta.concrete_fields:
            setattr(self, field.attname, getattr(fresh, field.attname))
        self.run = fresh.run
        self._prefetched_objects_cache: dict[str, Any] = {}

    def move_to(
        self, target: State, *, epoch: int | None = None, run: Mapping[str, Any] | None = None, **changes: Any
    ) -> None:
        """Compare-and-set to `target`; `epoch` makes it the lease holder's write, `run` has the run's new values.

        Raises TransitionError.
        """
        if target not in TRANSITIONS[State(self.state)]:
            raise TransitionError(self, target)
        if target in ENDED:
            changes["ended_at"] = Now()
        moved = self._compare_and_set(epoch, run or {}, {"state": target, **changes})
        self.refresh_from_db()
        if not moved:
            raise TransitionError(self, target)

    def _compare_and_set(self, epoch: int | None, run: Mapping[str, Any], changes: Mapping[str, Any]) -> bool:
        with transaction.atomic():
            moved = Session.objects.filter(pk=self.pk, state=self.state).update(**changes)
            if moved and (run or epoch is not None):
                held = Run.objects.filter(pk=self.pk) if epoch is None else Run.objects.filter(pk=self.pk, epoch=epoch)
                moved = held.update(**(run or {"epoch": F("epoch")}))
            if not moved:
                transaction.set_rollback(True)
                return False
            transaction.on_commit(lambda: wakeup.announce(self.pk))
        return True

    def symbols(self) -> list[str]:
        """What it plays, or has played when it ended, sorted."""
        return self._symbols_with(requested=True)

    def active_symbols(self) -> list[str]:
        """Symbols with at least one active stream, sorted: none once it has ended."""
        return self._symbols_with(active=True)

    def _symbols_with(self, **state: bool) -> list[str]:
        rows = self.streams.filter(**state).order_by("instrument__symbol")
        return list(rows.values_list("instrument__symbol", flat=True).distinct())

    def record(self, kind: str, message: str, *, level: str = "info", **data: Any) -> SessionEvent:
        """Add to the session's log, for people."""
        return self.events.create(kind=kind, message=message, level=level, clock=self.run.clock, data=data)


SESSIONS, RUNS = WholeRows(Session), WholeRows(Run)
WITH_RUN = f"{SESSIONS.columns('s')}, {RUNS.columns('r')}"
"""Columns of a session `s` and its run `r`, for `take_session`."""
READ = f"""
SELECT {WITH_RUN} FROM replay_session s JOIN replay_run r ON r.session_id = s.id WHERE s.id = %(pk)s
"""  # noqa: S608 - names of columns
# The second statement sees the run as it is once the lock is had.
LOCK = f"""
SELECT {SESSIONS.columns("s")} FROM replay_session s WHERE s.id = %(pk)s FOR NO KEY UPDATE;
SELECT {RUNS.columns("r")} FROM replay_run r WHERE r.session_id = %(pk)s
"""  # noqa: S608 - names of columns


def take_session(values: Iterator[Any]) -> Session:
    """The session that the next values are, with its run."""
    session = SESSIONS.take(values)
    session.run = RUNS.take(values)
    return session


def read_session(pk: int) -> Session:
    """With its run. Raises Session.DoesNotExist."""
    with connection.cursor() as cursor:
        cursor.execute(READ, {"pk": pk})
        return take_session(iter(_found(cursor.fetchone(), pk)))


def locked_session(pk: int) -> Session:
    """Likewise, under its lock: in a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"pk": pk})
        session = _found(cursor.fetchone(), pk)
        cursor.nextset()
        return take_session(iter([*session, *_found(cursor.fetchone(), pk)]))


def _found(row: tuple[Any, ...] | None, pk: int) -> tuple[Any, ...]:
    if row is None:
        raise Session.DoesNotExist(f"session {pk}")
    return row
