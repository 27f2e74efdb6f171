"""A task handed to the Celery workers by its name: who asks does not import who does."""

from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


def send(task: str, **options: Any) -> None:
    """Celery is imported at the first use: most commands send no task. Raises kombu's OperationalError."""
    import_string(settings.TASKS_APP).send_task(task, **options)
