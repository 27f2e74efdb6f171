"""What came in by an import, day by day, so that it can be listed, read as a difference, and undone."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from marketdata.kinds import DayKind
from marketdata.models.catalog import Dataset
from marketdata.models.days import DayVersion, Scope


class Import(models.Model):
    """What one run of an import wrote into one dataset.

    running → done → undone. A run that was killed stays `running`; it can be undone like any other.
    """

    class State(models.TextChoices):
        RUNNING = "running", "running"
        DONE = "done", "done"
        UNDONE = "undone", "undone"

    dataset = models.ForeignKey(Dataset, on_delete=models.SET_NULL, null=True, related_name="imports")
    dataset_name = models.CharField(max_length=64, help_text="Also where the dataset is no more.")
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    source = models.CharField(max_length=500, help_text="The files and folders that were named.")
    by = models.CharField(max_length=150, blank=True, help_text="The account; empty: the command line.")
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    figures = models.JSONField(default=dict, help_text="Files, and rows by what became of them.")
    decisions = models.JSONField(default=list, help_text="How the files were read, once for those that are alike.")
    new_dataset = models.BooleanField(default=False, help_text="Whether the import made the dataset.")
    new_symbols = ArrayField(models.CharField(max_length=32), default=list, help_text="Instruments that it made.")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"import {self.pk}"


class ImportedDay(models.Model):
    """What an import did to one symbol's day of one kind. `day` and `before` may be gone since."""

    of = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="days")
    symbol = models.CharField(max_length=64)
    date = models.DateField(null=True, help_text="None for rejected rows whose stamp cannot be read.")
    kind = models.CharField(max_length=8, choices=DayKind)
    scope = models.CharField(max_length=8, choices=Scope, default=Scope.REGULAR)
    day = models.ForeignKey(
        DayVersion, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="+", db_index=True,
        help_text="The version that it wrote; none where the store had the same.",
    )  # fmt: skip
    before = models.ForeignKey(
        DayVersion, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="+", db_index=False,
        help_text="The version that was current until then.",
    )  # fmt: skip
    inserted = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    revised = models.PositiveIntegerField(default=0)
    outside = models.PositiveIntegerField(default=0, help_text="Rows outside the regular session.")
    rejected = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["symbol", "date", "kind", "scope", "pk"]
        verbose_name = "imported day"

    def __str__(self) -> str:
        return f"{self.symbol} {self.date or '-'} {self.kind}"
