"""Who works on uploads: their tasks are queued, and queued again where a worker was lost with one."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models.functions import Coalesce, Now
from kombu.exceptions import OperationalError

from marketdata.models import Upload
from marketdata.sending import send

TASKS = {Upload.State.READING: "read_upload", Upload.State.IMPORTING: "import_upload"}
"""State → the task that ends it. A task that comes in another state has nothing to do."""
SILENT = dt.timedelta(minutes=2)


def queue(upload: Upload, **options: Any) -> None:
    """Have a worker do what the upload's state asks for."""
    try:
        task = TASKS[Upload.State(upload.state)]
        send(f"marketdata.tasks.{task}", args=[upload.pk], queue="upkeep", **options)
    except OperationalError:
        fail(upload, "Redis does not take the task, see the services on the home page: nothing was done.")


def silent(now: dt.datetime) -> list[Upload]:
    """Those whose work has been silent for long: its worker may be lost."""
    working = Upload.objects.filter(state__in=TASKS)
    return list(working.annotate(last=Coalesce("seen_at", "created_at")).filter(last__lt=now - SILENT))


def queue_again(upload: Upload) -> None:
    """What is written twice is written once."""
    Upload.objects.filter(pk=upload.pk).update(seen_at=Now())
    queue(upload)


def fail(upload: Upload, reason: str) -> None:
    upload.state, upload.error = Upload.State.FAILED, reason
    upload.save(update_fields=["state", "error"])
