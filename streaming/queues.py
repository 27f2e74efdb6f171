"""Work handed to the Celery workers, by the task's name: who asks does not import who does."""

import contextlib

from celery import current_app
from kombu.exceptions import OperationalError


def queue_replay(session_id: int) -> None:
    """Have a replay worker take the session."""
    current_app.send_task("streaming.tasks.replay_session", args=[session_id], queue="replay")


def queue_start(session_id: int) -> None:
    """Have the upkeep worker do what `service.start` does in the foreground."""
    current_app.send_task("streaming.tasks.start_session", args=[session_id], queue="upkeep")


def ask_upkeep(session_id: int) -> None:
    """Upkeep of one session in simulated time. Best effort: beat asks again within a minute."""
    with contextlib.suppress(OperationalError):
        current_app.send_task("streaming.tasks.upkeep_session", args=[session_id], queue="upkeep", expires=55)
