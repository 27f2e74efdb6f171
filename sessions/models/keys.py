"""Keys to a session."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from sessions.models.session import Session


class SessionKey(models.Model):
    """A key to one session, for a reader or a bot. The secret is kept as its hash; `sessions.keys` has the verbs."""

    class Kind(models.TextChoices):
        READER = "reader"
        BROKER = "broker"

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="keys")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.READER)
    lockstep = models.BooleanField(default=False, help_text="May have the replay wait for its reader.")
    key_id = models.CharField(max_length=20, unique=True, editable=False, help_text="The public half.")
    secret_hash = models.CharField(max_length=64, editable=False, help_text="SHA-256 of the secret half.")
    created_by = models.CharField(max_length=150, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False, help_text="To the minute.")
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["reader", "broker"]), name="sessionkey_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} key {self.key_id} of session {self.session_id}"
