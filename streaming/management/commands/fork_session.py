"""`manage.py fork_session ID [--at T]`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from sessions.market_time import market_time
from sessions.models import Session
from streaming.management.starting import CopyCommand
from streaming.starts import copies


class Command(CopyCommand):
    help = (
        "Start a new session at another's clock, on the same data; with --at, at a time that it has been at: "
        "so one goes back into a session that has ended."
    )
    examples = (
        "fork_session 1",
        "fork_session 1 --at 10:30",
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--at", metavar="T", default="", help="10:30, 2025-07-03T10:30 …, as for seek_session.")

    def copy(self, session: Session, options: dict[str, Any]) -> Session:
        at = market_time(options["at"], session) if options["at"] else None
        return copies.fork(session.pk, at, by="fork_session")
