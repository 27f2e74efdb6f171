"""`manage.py set_speed ID SPEED`."""

from typing import Any

from django.core.management.base import CommandParser

from sessions import control
from sessions.models import Session
from streaming.management.console import ControlCommand, parse_number


class Command(ControlCommand):
    help = "Change a session's speed; 0 is as fast as possible."
    examples = (
        "set_speed 1 600",
        "set_speed 1 0",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("speed", help="Market seconds per second, e.g. 60.")

    def control(self, session_id: int, options: dict[str, Any]) -> Session:
        return control.set_speed(session_id, parse_number(options["speed"], "Speed"), by="set_speed")

    def line(self, session: Session) -> str:
        pace = "as fast as possible" if session.speed == 0 else f"at speed {session.speed:g}"
        return f"Session {session.pk} plays {pace}."
