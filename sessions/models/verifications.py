"""Proofs of a session that were asked for, and what they found."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from sessions.models.session import Session


class Verification(models.Model):
    """One time that a session's run is, or was, made again and compared; `streaming.verify.jobs` has the verbs."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    UNFINISHED = (State.WAITING, State.RUNNING)

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="verifications")
    requested_by = models.CharField(max_length=150, blank=True)
    requested_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)
    ok = models.BooleanField(null=True, help_text="Whether the session is what its journal and the store give.")
    report = models.JSONField(default=dict, help_text="`streaming.verify.session.Findings.report()`.")
    reason = models.TextField(blank=True, help_text="Why it could not be done.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["session"], condition=Q(state__in=["waiting", "running"]), name="verification_one_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"verification {self.pk} of session {self.session_id}: {self.outcome}"

    @property
    def unfinished(self) -> bool:
        return self.state in self.UNFINISHED

    @property
    def verdict(self) -> str:
        """In one word: a state, or what came of it."""
        if self.state != self.State.DONE:
            return str(self.state)
        return "verified" if self.ok else "differs"

    @property
    def outcome(self) -> str:
        """In words."""
        if self.state == self.State.FAILED:
            return f"not done: {self.reason}"
        if self.unfinished:
            return str(self.state)
        frames = sum(made["frames"] for made in self.report["generations"])
        if self.ok:
            return f"verified: {frames:,} frames made again alike"
        return " ".join(["differs:", *self.report["problems"]])
