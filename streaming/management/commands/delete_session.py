"""`manage.py delete_session ID...`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from marketdata.management.explained import ExplainedCommand
from marketdata.removal.needed import in_words
from sessions.removal import StillLive, delete_sessions
from streaming.management.console import errors_in_one_line, get_session, to_json


class Command(ExplainedCommand):
    help = (
        "Delete ended sessions for good, with their journals, events, keys and accounts: all of those named, or none. "
        "The stored days that they played stay, and can then be deleted, or their import undone."
    )
    examples = ("delete_session 3", "delete_session 3 4 7 --json")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", type=int, nargs="+", metavar="ID", help="The sessions' numbers.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, ids: list[int], **options: Any) -> None:
        with errors_in_one_line():
            for number in ids:
                get_session(number)
            try:
                deleted = delete_sessions(ids)
            except StillLive as error:
                stops = ", ".join(f"`stop_session {number}`" for number in error.sessions[:5])
                raise CommandError(f"{error} {stops} stops {'it' if len(error.sessions) == 1 else 'them'}.") from None
        if options["json"]:
            self.stdout.write(to_json({"deleted": deleted}))
        else:
            self.stdout.write(self.style.SUCCESS(f"Deleted {in_words(deleted)}."))
