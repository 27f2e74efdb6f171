"""Processes that say they are there."""

from __future__ import annotations

from django.db import models


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
