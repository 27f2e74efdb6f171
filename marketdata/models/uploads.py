"""Files that were dropped on a page: what was read in them, what a person corrected, and the imports made of them."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from marketdata.models.imports import Import


class KeptMapping(models.Model):
    """An answer to a doubt that was kept under a name, for `--mapping` and the upload page.

    The options are those of MARKETDATA_MAPPINGS, whose names go before these.
    """

    name = models.SlugField(max_length=64, unique=True)
    options = models.JSONField(default=dict, help_text="TZ, LABEL, DATE_ORDER, SCALE, COLUMNS, HEADER, DELIMITER.")

    class Meta:
        ordering = ["name"]
        verbose_name = "mapping"

    def __str__(self) -> str:
        return self.name


class Upload(models.Model):
    """reading → read ⇄ reading, read → importing → done; failed from the two that work."""

    class State(models.TextChoices):
        READING = "reading", "reading"
        READ = "read", "read"
        IMPORTING = "importing", "importing"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    by = models.CharField(max_length=150)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    state = models.CharField(max_length=9, choices=State, default=State.READING)
    folder = models.CharField(max_length=32, unique=True, help_text="Within UPLOADS_FOLDER.")
    answers = models.JSONField(default=dict, help_text="What the person said: dataset, symbol, zone, label and so on.")
    found = models.JSONField(default=dict, help_text="What was read: a decision or a doubt for each file, and bars.")
    seen_at = models.DateTimeField(null=True, help_text="When the work on it last went on.")
    done_files = models.PositiveIntegerField(default=0)
    all_files = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    imports = models.ManyToManyField(Import, related_name="uploads")

    class Meta:
        verbose_name_plural = "import files"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"upload {self.pk}"
