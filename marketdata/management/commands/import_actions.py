"""`manage.py import_actions`: splits, dividends and changes of symbols from files."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from marketdata.actions.importing import write_actions
from marketdata.actions.reading import read_actions
from marketdata.errors import MarketDataError
from marketdata.management.explained import ExplainedCommand


class Command(ExplainedCommand):
    help = "Import corporate actions: CSV, yfinance's actions, LEAN's factor and map files, Alpaca's JSON."
    examples = (
        "import_actions actions.csv",
        "import_actions factor_files/aapl.csv --symbol AAPL",
        "import_actions alpaca.json --replace --json",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="lists of actions")
        parser.add_argument("--symbol", default="", help="of files that do not name it (default: the file's name)")
        parser.add_argument("--replace", action="store_true", help="what differs from the stored takes its place")
        parser.add_argument("--json", action="store_true", help="one JSON object a file")

    def handle(self, *args: Any, **options: Any) -> None:
        problems = [problem for path in options["files"] for problem in self._import(path, options)]
        if problems:
            raise CommandError("\n".join(problems))

    def _import(self, path: Path, options: dict[str, Any]) -> list[str]:
        try:
            file = read_actions(path, options["symbol"])
            report = write_actions(file.actions, replace=options["replace"])
        except MarketDataError as error:
            return [str(error)]
        counts = {"inserted": report.inserted, "unchanged": report.unchanged, "revised": report.revised}
        symbols = sorted({action.symbol for action in file.actions})
        if options["json"]:
            shown = {"file": str(path), "form": file.form, "symbols": symbols, **counts, "skipped": file.skipped}
            self.stdout.write(json.dumps({**shown, "conflicts": report.conflicts}))
        else:
            said = ", ".join(f"{count} {name}" for name, count in counts.items())
            self.stdout.write(f"{path}: {file.form}; {', '.join(symbols) or 'no symbol'}: {said}.")
            for kind, count in file.skipped.items():
                self.stdout.write(f"  not kept: {count} {kind}")
        conflicts = [f"{path}: {conflict}. --replace takes the file's." for conflict in report.conflicts]
        return conflicts if file.actions else [f"{path}: it brought no action that is kept."]
