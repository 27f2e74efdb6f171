"""What a session's output is a function of, and where its hash chain stood before each day."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from sessions.models.session import Session


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


class DayMark(models.Model):
    """Where the hash chain stood before a generation's first frame of a day: re-derivation of the day starts there."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="day_marks")
    generation = models.PositiveIntegerField()
    date = models.DateField()
    chain = models.CharField(max_length=64, help_text="SHA-256 in hex; zeros before a generation's first frame.")
    prev = models.CharField(max_length=48, blank=True, help_text="The frame before; empty for a generation's first.")

    class Meta:
        ordering = ["session", "generation", "date"]
        constraints = [models.UniqueConstraint(fields=["session", "generation", "date"], name="daymark_once")]

    def __str__(self) -> str:
        return f"{self.session_id} generation {self.generation} {self.date}"


class Announcement(models.Model):
    """What upkeep has announced to a session about a date, once for each subject.

    The coordinator reads `day_ready` from here, and upkeep what it need not say again. Events say the same to people.
    """

    class Kind(models.TextChoices):
        GAPS = "gaps", "absent minutes of a finished day"
        PREFETCH = "prefetch", "the next day is in the store"
        DAY_READY = "day_ready", "a corrected day is in the store"
        NEWER = "newer", "newer trades or quotes are in the store"

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="announcements")
    kind = models.CharField(max_length=16, choices=Kind)
    date = models.DateField()
    subject = models.CharField(max_length=64, blank=True, help_text="A symbol, or type and symbol; empty: the date.")
    version_id = models.BigIntegerField(null=True, help_text="The stored day that was announced.")
    made_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "kind", "date", "subject", "version_id"],
                name="announcement_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=["gaps", "prefetch", "day_ready", "newer"]), name="announcement_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.kind} {self.date} {self.subject}".rstrip()
