"""`manage.py step_session ID [N]`."""

from typing import Any

from django.core.management.base import CommandParser

from sessions import control
from sessions.market_time import shown
from sessions.models import Session
from streaming.management.console import ControlCommand


class Command(ControlCommand):
    help = "Let a paused session run N session minutes, then stand again."
    examples = (
        "step_session 1",
        "step_session 1 5",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("minutes", type=int, nargs="?", default=1, metavar="N", help="Default: 1.")

    def control(self, session_id: int, options: dict[str, Any]) -> Session:
        return control.step(session_id, options["minutes"], by="step_session")

    def line(self, session: Session) -> str:
        assert session.run_until
        return f"Session {session.pk} steps to {shown(session.run_until, session)}."
