"""Three queues, two workers: one takes `replay` and `starts` and plays sessions, `upkeep` does everything else."""

import os
from typing import Any

from celery import Celery, signals

from config import garbage

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Celery runs Django's checks and drops what they find, but they import every page and the API.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

app = Celery("tapedeck")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.worker_ready.connect
def settle(**_: Any) -> None:
    garbage.settle()
