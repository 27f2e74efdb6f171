"""What a client named its request for a new session, so that a repeated one finds the session that it made."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from sessions.models.session import Session


class StartKey(models.Model):
    """An `Idempotency-Key` of an account; it lasts as long as the session."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the request's address and body.")
    session = models.ForeignKey(
        Session, null=True, on_delete=models.CASCADE, related_name="+", help_text="Null until it is made."
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="startkey_of_user")]

    def __str__(self) -> str:
        return f"{self.key} of user {self.user_id}"
