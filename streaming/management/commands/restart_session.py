"""`manage.py restart_session ID`."""

from __future__ import annotations

from typing import Any

from sessions.models import Session
from streaming.management.starting import CopyCommand
from streaming.starts import copies


class Command(CopyCommand):
    help = "Start a new session from the same recipe as another, from its first day."
    examples = ("restart_session 1",)

    def copy(self, session: Session, options: dict[str, Any]) -> Session:
        return copies.restart(session.pk, by="restart_session")
