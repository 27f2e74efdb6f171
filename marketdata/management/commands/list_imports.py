"""`manage.py list_imports [ID]`: what came in by which import; of one, what it did to each symbol's day."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import IO, Any, cast

from django.core.management.base import CommandError
from rich import box
from rich.console import Console
from rich.table import Table

from marketdata.management.explained import ExplainedCommand
from marketdata.models import Import, ImportedDay

FIGURES = ("files", "inserted", "unchanged", "revised", "outside_session", "rejected", "days", "symbols")
TALLY = ("inserted", "unchanged", "revised", "outside", "rejected")


class Command(ExplainedCommand):
    help = "List imports, newest first; with a number what that import did to each symbol's day."
    examples = ("list_imports --dataset mine", "list_imports 12 --symbol AAPL", "list_imports 12 --json")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("number", nargs="?", type=int, metavar="ID", help="an import's number: its days are listed")
        parser.add_argument("--dataset", default="", help="only imports into this dataset")
        parser.add_argument("--symbol", default="", help="with an ID: only this symbol's days")
        parser.add_argument("--limit", type=int, default=100, help="at most this many lines (default: 100)")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["number"] is None:
            rows = Import.objects.all()
            if options["dataset"]:
                rows = rows.filter(dataset_name=options["dataset"])
            self._show(map(_import, rows[: options["limit"]]), "No import yet.", options["json"])
            return
        made = Import.objects.filter(pk=options["number"]).first()
        if made is None:
            raise CommandError(f"There is no import {options['number']}: manage.py list_imports shows which there are.")
        days = made.days.all()
        if options["symbol"]:
            days = days.filter(symbol__iexact=options["symbol"])
        self._show(map(_day, days[: options["limit"]]), f"Import {made.pk} has no such day.", options["json"])

    def _show(self, rows: Iterable[dict[str, Any]], nothing: str, as_json: bool) -> None:
        found = list(rows)
        if as_json:
            for row in found:
                self.stdout.write(json.dumps(row))
            return
        if not found:
            self.stdout.write(nothing)
            return
        table = Table(box=box.SIMPLE)
        for name, value in found[0].items():
            table.add_column(name.removesuffix("_session"), justify="right" if isinstance(value, int) else "left")
        for row in found:
            table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value or "") for value in row.values()))
        Console(file=cast(IO[str], self.stdout), width=None if self.stdout.isatty() else 200).print(table)


def _import(made: Import) -> dict[str, Any]:
    figures = {name: made.figures.get(name, 0) for name in FIGURES}
    at = f"{made.started_at:%Y-%m-%dT%H:%M:%SZ}"
    known = {"import": str(made.pk), "dataset": made.dataset_name, "state": made.state, "at": at, "by": made.by}
    return {**known, **figures, "source": made.source}


def _day(day: ImportedDay) -> dict[str, Any]:
    names = {"symbol": day.symbol, "date": str(day.date or ""), "kind": day.get_kind_display(), "scope": day.scope}
    return {**names, **{name: getattr(day, name) for name in TALLY}, "new_version": "yes" if day.day_id else "no"}
