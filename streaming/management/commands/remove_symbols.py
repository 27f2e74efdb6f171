"""`manage.py remove_symbols ID SYM...`."""

from typing import Any

from django.core.management.base import CommandParser

from marketdata.store import spelled
from sessions import control
from sessions.models import Session
from streaming.management.console import ControlCommand, parse_list


class Command(ControlCommand):
    help = "Stop playing some of a running session's symbols."
    examples = ("remove_symbols 1 IBM",)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("symbols", nargs="+", metavar="SYM", help="E.g. IBM SPY.")

    def control(self, session_id: int, options: dict[str, Any]) -> Session:
        self.symbols = spelled(part for given in options["symbols"] for part in parse_list(given))
        return control.remove_symbols(session_id, self.symbols, by="remove_symbols")

    def line(self, session: Session) -> str:
        return f"Session {session.pk} is removing {', '.join(self.symbols)}."
