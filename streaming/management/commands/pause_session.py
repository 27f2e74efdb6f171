"""`manage.py pause_session ID`."""

from typing import Any

from sessions import control
from sessions.models import Session
from streaming.management.console import ControlCommand


class Command(ControlCommand):
    help = "Pause a running session."
    examples = (
        "pause_session 1",
        "pause_session 1 --json",
    )

    def control(self, session_id: int, options: dict[str, Any]) -> Session:
        return control.pause(session_id, by="pause_session")

    def line(self, session: Session) -> str:
        return f"Session {session.pk} is being paused."
