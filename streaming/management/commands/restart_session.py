"""`manage.py restart_session ID`."""

from sessions.models import Session
from streaming.management.starting import CopyCommand
from streaming.starts import copies


class Command(CopyCommand):
    help = "Start a new session from the same recipe as another, from its first day."
    examples = ("restart_session 1",)

    def copy(self, session_id: int) -> Session:
        return copies.restart(session_id, by="restart_session")
