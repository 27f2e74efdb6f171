"""What is being replayed: sessions, their streams, their journal and what happened to them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from marketdata.calendar import session_date_of
from marketdata.models import Dataset, Instrument
from sessions import wakeup


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
LEFT_LYING = dt.timedelta(seconds=30)
ENDED = (State.COMPLETED, State.STOPPED, State.FAILED)


class TransitionError(Exception):
    """A state change that the life cycle does not have, or that somebody else was faster with."""

    def __init__(self, session: Session, target: str) -> None:
        self.session_id, self.state, self.target = session.pk, session.state, target
        super().__init__(f"Session {session.pk} is {session.state}: it cannot become {target}.")


def only_bars() -> list[str]:
    return ["bars"]


class SessionQuerySet(models.QuerySet["Session"]):
    def live(self) -> SessionQuerySet:
        return self.filter(state__in=LIVE)

    def claimable(self, ttl: dt.timedelta) -> SessionQuerySet:
        """Live, started, and under no lease that Postgres's clock still honors."""
        return self.filter(state__in=(State.STARTING, State.RUNNING, State.PAUSED)).filter(
            Q(lease_renewed_at=None) | Q(lease_renewed_at__lt=Now() - ttl)
        )

    def never_opened(self) -> SessionQuerySet:
        """Created to be started by a worker, and left lying: the message that said so was lost, or its worker died."""
        return self.filter(state=State.CREATED, start_requested=True, created_at__lt=Now() - LEFT_LYING)


class Session(models.Model):
    """One replay.

    created → starting → running ⇄ paused → completed; stopped or failed from any live state.

    What is wanted (`paused`, `stop_requested`, `speed`, `run_until`, `seek_to`, a stream's `wanted`) is state that
    any door may write with a new `control_version`; what is (`state`, `clock`, …) is written by the lease's holder
    alone, with its `epoch`.
    """

    name = models.CharField(max_length=64, blank=True)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="sessions")
    interval = models.CharField(max_length=4, default="1m")
    derive = ArrayField(models.CharField(max_length=4), default=list, blank=True)
    types = ArrayField(models.CharField(max_length=8), default=only_bars, help_text="Of bars, ticks and quotes.")
    clock_step = models.PositiveIntegerField(
        default=100, help_text="Milliseconds of market time by which trades and quotes are grouped into frames."
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

    start_requested = models.BooleanField(default=False, help_text="Wanted: started by a worker.")
    paused = models.BooleanField(default=False, help_text="Wanted: paused.")
    stop_requested = models.BooleanField(default=False, help_text="Wanted: stopped.")
    speed = models.FloatField(default=1.0, help_text="Market seconds per second; 0 is as fast as possible.")
    run_until = models.DateTimeField(null=True, blank=True, help_text="Wanted: pause at this clock (step).")
    seek_to = models.DateTimeField(null=True, blank=True, help_text="Wanted: the clock to move to.")
    control_version = models.PositiveBigIntegerField(default=0)
    applied_version = models.PositiveBigIntegerField(default=0)

    clock = models.DateTimeField(null=True, blank=True, help_text="Visible clock: the last committed frame's.")
    generation = models.PositiveIntegerField(default=1)
    frame_id = models.CharField(max_length=32, blank=True, help_text="Last committed frame: clock in ms, and number.")
    frame_count = models.PositiveBigIntegerField(default=0)
    chain = models.CharField(max_length=64, blank=True, help_text="Hash chain after that frame.")
    moving = models.JSONField(
        default=dict, blank=True, help_text="Market time between frames: ms, at a wall's ms, its pace, until."
    )
    real_speed = models.FloatField(null=True, blank=True, help_text="Market seconds per second, lately.")
    clock_error = models.FloatField(
        null=True, blank=True, help_text="Milliseconds after their instant that frames went out: 99th percentile."
    )
    bottleneck = models.CharField(max_length=128, blank=True, help_text="The stage that it waits for most.")
    days_held = ArrayField(models.DateField(), default=list, blank=True)
    bars_held = models.PositiveBigIntegerField(default=0)

    epoch = models.PositiveBigIntegerField(default=0)
    worker = models.CharField(max_length=128, blank=True)
    lease_renewed_at = models.DateTimeField(null=True, blank=True)
    loaded_at = models.DateTimeField(null=True, blank=True, help_text="The worker's acknowledgement of the start.")

    created_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = SessionQuerySet.as_manager()

    RECIPE = (
        *("name", "dataset_id", "interval", "derive", "types", "clock_step"),
        *("start_date", "end_date", "provider", "speed", "as_known"),
    )
    """What another session like this one is made of, beside its streams."""

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="session_state_known"),
            models.CheckConstraint(condition=Q(end_date__gte=F("start_date")), name="session_window_ordered"),
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
    def first_date(self) -> dt.date:
        """The date of its first frame: the window's first, but for one that begins in the midst of it."""
        return session_date_of(self.start_at) if self.start_at else self.start_date

    def move_to(self, target: State, *, epoch: int | None = None, **changes: Any) -> None:
        """Compare-and-set to `target`; `epoch` makes it the lease holder's write. Raises TransitionError."""
        if target not in TRANSITIONS[State(self.state)]:
            raise TransitionError(self, target)
        rows = Session.objects.filter(pk=self.pk, state=self.state)
        if epoch is not None:
            rows = rows.filter(epoch=epoch)
        if target in ENDED:
            changes["ended_at"] = Now()
        if not rows.update(state=target, **changes):
            self.refresh_from_db()
            raise TransitionError(self, target)
        transaction.on_commit(lambda: wakeup.announce(self.pk))
        self.refresh_from_db()

    def symbols(self) -> list[str]:
        """Symbols with at least one active stream, sorted."""
        active = self.streams.filter(active=True).order_by("instrument__symbol")
        return list(active.values_list("instrument__symbol", flat=True).distinct())

    def record(self, kind: str, message: str, *, level: str = "info", **data: Any) -> SessionEvent:
        return SessionEvent.objects.create(
            session=self, kind=kind, message=message, level=level, clock=self.clock, data=data
        )


class StreamType(models.TextChoices):
    BARS = "bars"
    TICKS = "ticks"
    QUOTES = "quotes"


class ActiveStream(models.Model):
    """A symbol's stream in a session: the single source of truth for what is active."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="streams")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="+")
    stream_type = models.CharField(max_length=8, choices=StreamType, default=StreamType.BARS)
    wanted = models.BooleanField(default=True, help_text="Wanted: active. What is, is the next field.")
    active = models.BooleanField(default=True)
    expected = models.PositiveIntegerField(default=0, help_text="Session minutes up to the visible clock.")
    present = models.PositiveIntegerField(default=0, help_text="Bars up to the visible clock.")
    quality = models.FloatField(null=True, blank=True, help_text="(T + N + F) / expected; n/a before the first.")
    last_price = models.FloatField(null=True, blank=True)
    started_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["instrument__symbol", "stream_type"]
        constraints = [
            models.UniqueConstraint(fields=["session", "instrument", "stream_type"], name="activestream_once"),
            models.CheckConstraint(condition=Q(stream_type__in=StreamType.values), name="activestream_type_known"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument} {self.stream_type}"


class JournalEntry(models.Model):
    """An input of a session. The session's output is a pure function of these rows and the pinned days."""

    class Kind(models.TextChoices):
        START = "start"
        LOAD = "load"
        ADD = "add"
        REMOVE = "remove"
        SEEK = "seek"
        ADMIT = "admit"

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="journal")
    number = models.PositiveIntegerField()
    clock = models.DateTimeField(null=True, help_text="In effect for frames later than this.")
    kind = models.CharField(max_length=8, choices=Kind)
    payload = models.JSONField(default=dict)
    written_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["session", "number"]
        verbose_name_plural = "journal entries"
        constraints = [
            models.UniqueConstraint(fields=["session", "number"], name="journal_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.session_id}#{self.number} {self.kind}"


class SessionEvent(models.Model):
    """Something that happened to a session, for the people who look after it."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(db_default=Now(), editable=False)
    clock = models.DateTimeField(null=True)
    kind = models.CharField(max_length=32)
    level = models.CharField(max_length=8, default="info")
    message = models.TextField()
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.message


class SessionKey(models.Model):
    """A key to one session, for a reader or a bot. The secret is kept as its hash; `sessions.keys` has the verbs."""

    class Kind(models.TextChoices):
        READER = "reader"
        BROKER = "broker"

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="keys")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.READER)
    key_id = models.CharField(max_length=20, unique=True, editable=False, help_text="The public half.")
    secret_hash = models.CharField(max_length=64, editable=False, help_text="SHA-256 of the secret half.")
    created_by = models.CharField(max_length=150, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False, help_text="To the minute.")
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=Q(kind__in=["reader", "broker"]), name="sessionkey_kind_known")]

    def __str__(self) -> str:
        return f"{self.kind} key {self.key_id} of session {self.session_id}"


class ServiceHeartbeat(models.Model):
    """A worker or beat that says it is there, and how much it can still take on."""

    name = models.CharField(max_length=128, primary_key=True)
    kind = models.CharField(max_length=16, help_text="replay, upkeep or beat.")
    pid = models.PositiveIntegerField()
    capacity = models.PositiveIntegerField(default=0)
    in_use = models.PositiveIntegerField(default=0)
    seen_at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ["kind", "name"]

    def __str__(self) -> str:
        return self.name
