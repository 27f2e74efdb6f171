"""`manage.py quarantine`: rows that broke a rule on their way in, with file, line and reason."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import IO, Any, cast

from django.db.models import Count, QuerySet
from rich import box
from rich.console import Console
from rich.table import Table

from marketdata.management.explained import ExplainedCommand
from marketdata.models import QuarantinedRow

FIELDS = ("file", "line", "symbol", "reason", "raw")


class Command(ExplainedCommand):
    help = "List rows that an import could not take: file, line, symbol, reason and the row as it stands there."
    examples = (
        "quarantine --dataset mine --limit 20",
        "quarantine --symbol AAPL --json",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dataset", help="only of this dataset")
        parser.add_argument("--symbol", help="only of this symbol")
        parser.add_argument("--file", help="only of files whose name has this in it")
        parser.add_argument("--limit", type=int, default=100, help="at most this many rows (default: 100)")
        parser.add_argument("--json", action="store_true", help="one JSON object a row")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = self._rows(options)
        shown = rows.order_by("dataset__name", "file", "line")[: options["limit"]]
        if options["json"]:
            for row in shown.values("dataset__name", *FIELDS):
                self.stdout.write(json.dumps({"dataset": row.pop("dataset__name"), **row}))
            return
        self._show(rows, shown)

    def _rows(self, options: dict[str, Any]) -> QuerySet[QuarantinedRow]:
        rows = QuarantinedRow.objects.all()
        if options["dataset"]:
            rows = rows.filter(dataset__name=options["dataset"])
        if options["symbol"]:
            rows = rows.filter(symbol__iexact=options["symbol"])
        if options["file"]:
            rows = rows.filter(file__contains=options["file"])
        return rows

    def _show(self, rows: QuerySet[QuarantinedRow], shown: QuerySet[QuarantinedRow]) -> None:
        console = Console(file=cast(IO[str], self.stdout), width=None if self.stdout.isatty() else 200)
        counts = rows.order_by().values("reason").annotate(rows=Count("pk")).order_by("-rows", "reason")
        if not counts:
            console.print("No row is in quarantine.")
            return
        for reason in counts:
            console.print(f"{reason['rows']:>8,}  {reason['reason']}", markup=False, highlight=False)
        table = Table(box=box.SIMPLE)
        for name in FIELDS:
            table.add_column(name, justify="right" if name == "line" else "left", overflow="fold")
        for row in shown.values_list(*FIELDS):
            table.add_row(*("" if value is None else str(value) for value in row))
        console.print(table, markup=False)
