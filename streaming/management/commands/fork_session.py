"""`manage.py fork_session ID`."""

from sessions.models import Session
from streaming.management.starting import CopyCommand
from streaming.starts import copies


class Command(CopyCommand):
    help = "Start a new session at another's clock, on the same data."
    examples = ("fork_session 1",)

    def copy(self, session_id: int) -> Session:
        return copies.fork(session_id, by="fork_session")
