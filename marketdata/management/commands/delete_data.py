"""`manage.py delete_data --dataset NAME`: a dataset, a symbol or a day out of the store."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from marketdata.errors import MarketDataError
from marketdata.management.arguments import day
from marketdata.management.explained import ExplainedCommand
from marketdata.management.removing import refused
from marketdata.plurals import counted
from marketdata.removal.deleting import delete_data


class Command(ExplainedCommand):
    help = (
        "Delete a dataset, or of it one symbol, one day, or one symbol's day, with every version of bars, trades and "
        "quotes. Refused where a session has pinned a day of it. There is no way back; undo_import undoes an import."
    )
    examples = (
        "delete_data --dataset mine --symbol AAPL --date 2025-07-02 --dry-run",
        "delete_data --dataset mine --yes --json",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dataset", required=True, help="of which dataset")
        parser.add_argument("--symbol", default="", help="only this symbol's days")
        parser.add_argument("--date", type=day, help="only this day; with --until the first of several")
        parser.add_argument("--until", type=day, help="the last day, included")
        parser.add_argument("--dry-run", action="store_true", help="say what would be deleted and delete nothing")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        start, end = options["date"], options["until"]
        if end and not start:
            raise CommandError("--until needs --date, the first day.")
        asked = (options["dataset"], options["symbol"], start, end)
        try:
            found = delete_data(*asked, dry_run=True)
            if not options["dry_run"]:
                self._confirm(found.versions, options)
                found = delete_data(*asked)
        except MarketDataError as error:
            raise refused(error) from None
        if options["json"]:
            self.stdout.write(json.dumps({**found.as_dict(), "dry_run": options["dry_run"]}))
            return
        what = (
            f"{counted(found.versions, 'version')} of {counted(len(found.symbols), 'symbol')}, "
            f"{counted(found.rows, 'row')}"
        )
        dates = f", from {found.first} to {found.last}" if found.first else ""
        self.stdout.write(f"{found.dataset}: {what}{dates} {'would be ' if options['dry_run'] else ''}deleted")

    def _confirm(self, versions: int, options: dict[str, Any]) -> None:
        if options["yes"]:
            return
        what = f"{counted(versions, 'version')} would be deleted"
        if options["json"] or not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise CommandError(f"{what} for good: pass --yes, or look with --dry-run.")
        answer = input(f"{what} for good: go on? [y/N] ")
        if answer.strip().lower() not in ("y", "yes"):
            raise CommandError("Nothing was deleted.")
