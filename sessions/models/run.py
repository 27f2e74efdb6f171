"""Where a session's replay stands and which worker has it: written by the holder of the lease alone."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

if TYPE_CHECKING:
    from sessions.models.session import Session


class RunQuerySet(models.QuerySet["Run"]):
    def unheld(self, ttl: dt.timedelta) -> RunQuerySet:
        """Under no lease that Postgres's clock still honors."""
        return self.filter(Q(lease_renewed_at=None) | Q(lease_renewed_at__lt=Now() - ttl))


class Run(models.Model):
    """Lease and position of one session.

    A row of its own: people lock the session's row when they ask for something, and a worker renews leases and
    writes positions without waiting for them. Every write carries the lease's `epoch`. Where both rows are locked,
    the session's comes first.
    """

    session: models.OneToOneField[Session, Session] = models.OneToOneField(
        "replay.Session", on_delete=models.CASCADE, primary_key=True, related_name="run"
    )

    epoch = models.PositiveBigIntegerField(default=0, help_text="Claims so far: an older one's writes are refused.")
    worker = models.CharField(max_length=128, blank=True)
    lease_renewed_at = models.DateTimeField(null=True, blank=True)
    loaded_at = models.DateTimeField(null=True, blank=True, help_text="The worker's acknowledgement of the start.")
    applied_version = models.PositiveBigIntegerField(default=0, help_text="Of the session's control version.")

    clock = models.DateTimeField(null=True, blank=True, help_text="The last committed frame's: bounds every read.")
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

    objects = RunQuerySet.as_manager()

    def __str__(self) -> str:
        return f"run of session {self.session_id}"
