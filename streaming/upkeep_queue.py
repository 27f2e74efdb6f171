"""Asking for upkeep of one session in simulated time, by the task's name: the engine does not import it."""

import contextlib

from celery import current_app
from kombu.exceptions import OperationalError


def ask_upkeep(session_id: int) -> None:
    """Best effort: beat asks again within a minute."""
    with contextlib.suppress(OperationalError):
        current_app.send_task("streaming.tasks.upkeep_session", args=[session_id], queue="upkeep", expires=55)
