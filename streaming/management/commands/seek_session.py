"""`manage.py seek_session ID T`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from sessions import control
from sessions.market_time import landing, market_time, shown
from sessions.models import Session
from streaming.management.console import ControlCommand, get_session


class Command(ControlCommand):
    help = "Move a session's clock forward or back within its window."
    examples = (
        "seek_session 1 10:30",
        "seek_session 1 2025-07-03T14:30Z",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "to",
            metavar="T",
            help="10:30 (the session's current date), 2025-07-03 (where it begins), 2025-07-03T10:30, all in exchange "
            "time, or with a zone: 2025-07-03T14:30Z.",
        )

    def control(self, session_id: int, options: dict[str, Any]) -> Session:
        self.asked = market_time(options["to"], get_session(session_id))
        return control.seek(session_id, self.asked, by="seek_session")

    def line(self, session: Session) -> str:
        assert session.seek_to
        moves = f"Session {session.pk} moves to {shown(session.seek_to, session)}."
        return " ".join(filter(None, (moves, landing(session, self.asked))))
