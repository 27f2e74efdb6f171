"""`manage.py resume_session ID`."""

from typing import Any

from sessions import control
from sessions.models import Session
from streaming.management.console import ControlCommand


class Command(ControlCommand):
    help = "Let a paused session go on."
    examples = ("resume_session 1",)

    def control(self, session_id: int, options: dict[str, Any]) -> Session:
        return control.resume(session_id, by="resume_session")

    def line(self, session: Session) -> str:
        return f"Session {session.pk} goes on."
