"""`manage.py undo_import ID`: the store as it was before that import."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from marketdata.errors import MarketDataError
from marketdata.management.explained import ExplainedCommand
from marketdata.management.removing import refused
from marketdata.removal.undoing import outcome, undo_import


class Command(ExplainedCommand):
    help = (
        "Undo an import: the versions that it wrote go, and those before are current again. All of it or nothing, "
        "where another import came on top of a day, or a session has pinned one."
    )
    examples = ("undo_import 12 --dry-run", "undo_import 12", "undo_import 12 --where-possible --json")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", type=int, metavar="ID", help="the import's number: see list_imports")
        parser.add_argument(
            "--where-possible", action="store_true", help="undo the days that nothing stands in front of"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would happen and change nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *args: Any, number: int, **options: Any) -> None:
        try:
            undone = undo_import(number, where_possible=options["where_possible"], dry_run=options["dry_run"])
        except MarketDataError as error:
            raise refused(error, "--where-possible") from None
        if options["json"]:
            self.stdout.write(json.dumps({**undone.as_dict(), "dry_run": options["dry_run"]}))
            return
        self.stdout.write(f"Import {number} into {undone.dataset}: {outcome(undone, options['dry_run'])}")
        for reason in undone.kept:
            self.stdout.write(f"  stays: {reason}")
