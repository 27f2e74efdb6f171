"""The log of a session, for people. Nothing depends on it: events may be deleted."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from sessions.models.session import Session


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
