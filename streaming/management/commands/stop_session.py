"""`manage.py stop_session ID`."""

from typing import Any

from sessions import control
from sessions.models import Session
from streaming.management.console import ControlCommand


class Command(ControlCommand):
    help = "Stop a session for good."
    examples = ("stop_session 1",)

    def control(self, session_id: int, options: dict[str, Any]) -> Session:
        return control.stop(session_id, by="stop_session")

    def line(self, session: Session) -> str:
        return f"Session {session.pk} is being stopped."
