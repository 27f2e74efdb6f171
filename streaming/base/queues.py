"""Work handed to the Celery workers, by the task's name: who asks does not import who does."""

import contextlib

from kombu.exceptions import OperationalError

from marketdata.sending import send


def queue_replay(session_id: int) -> None:
    """Have a replay worker take the session."""
    send("streaming.tasks.replay_session", args=[session_id], queue="replay")


def queue_start(session_id: int) -> None:
    """Have a replay worker do what `service.start` does in the foreground: upkeep may be busy with refills."""
    send("streaming.tasks.start_session", args=[session_id], queue="starts")


def ask_upkeep(session_id: int) -> None:
    """Upkeep of one session in simulated time. Best effort: beat asks again within a minute."""
    with contextlib.suppress(OperationalError):
        send("streaming.tasks.upkeep_session", args=[session_id], queue="upkeep", expires=55)


def queue_verifications() -> None:
    """Have an upkeep worker do the verifications that wait. Best effort, as above."""
    with contextlib.suppress(OperationalError):
        send("streaming.tasks.verify_sessions", queue="upkeep")
