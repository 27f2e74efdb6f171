"""`manage.py import_bars PATH...`: real data into the store."""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import BaseCommand, CommandError
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as RichTable

from marketdata.errors import MarketDataError
from marketdata.importing.dialects import SPELLINGS, Reading
from marketdata.importing.reading import find_files
from marketdata.importing.runner import Report, import_file

FIGURES = (
    "files",
    "rows",
    "inserted",
    "unchanged",
    "revised",
    "outside_session",
    "repeated",
    "rejected",
    "days",
    "symbols",
)


def column_mapping(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    for ours, _, theirs in pairs:
        if ours not in SPELLINGS or not theirs:
            raise ArgumentTypeError(f"{text!r} is not OURS=THEIRS,… with OURS one of {', '.join(SPELLINGS)}")
    return {ours: theirs for ours, _, theirs in pairs}


def time_zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError):
        raise ArgumentTypeError(f"{text!r} is not a time zone: e.g. America/New_York or UTC") from None


class Command(BaseCommand):
    help = "Import one-minute bars from CSV, CSV.gz and Parquet files, or folders of them; a dataset per folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--dataset", default="", help="dataset for all files (default: the file's folder)")
        parser.add_argument("--symbol", default="", help="symbol of all rows (default: a column, or the file's name)")
        parser.add_argument("--tz", type=time_zone, help="zone of stamps that carry none")
        parser.add_argument("--label", choices=["start", "end"], default="start", help="what a stamp marks")
        parser.add_argument("--interval", default="1m", help="only 1m; wider bars are derived")
        parser.add_argument("--columns", type=column_mapping, help="time=ts,open=o,…")
        parser.add_argument("--known-only", action="store_true", help="refuse symbols not known yet")
        parser.add_argument("--dry-run", action="store_true", help="report the same and write nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *args: Any, paths: Sequence[Path], **options: Any) -> None:
        reading = Reading(
            options["symbol"], options["tz"] or "", options["label"], options["interval"], options["columns"] or {}
        )
        try:
            files = find_files(paths)
        except MarketDataError as error:
            raise CommandError(str(error)) from None
        reports, failures = self._import(files, reading, options)
        if options["json"]:
            found = {
                "datasets": [r.as_dict() for r in reports.values()],
                "errors": failures,
                "dry_run": options["dry_run"],
            }
            self.stdout.write(json.dumps(found))
        elif options["verbosity"]:
            self._show(reports, dry_run=options["dry_run"])
        if failures:
            raise CommandError("\n".join(failures))

    def _import(
        self, files: Sequence[Path], reading: Reading, options: dict[str, Any]
    ) -> tuple[dict[str, Report], list[str]]:
        """Import file by file; one that cannot be read is told at the end, and the others are imported."""
        reports: dict[str, Report] = {}
        failures: list[str] = []
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        quiet = not options["verbosity"] or options["json"]
        with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
            task = progress.add_task("Importing", total=len(files))
            for path in files:
                progress.update(task, description=path.name)
                name = options["dataset"] or slug(path.resolve().parent.name)
                report = reports.setdefault(name, Report(name))
                try:
                    self.import_one(path, reading, report, options)
                except MarketDataError as error:
                    failures.append(str(error))
                progress.advance(task)
        return reports, failures

    def import_one(self, path: Path, reading: Reading, report: Report, options: dict[str, Any]) -> None:
        import_file(path, reading, report, known_only=options["known_only"], dry_run=options["dry_run"])

    def _show(self, reports: dict[str, Report], *, dry_run: bool) -> None:
        table = RichTable(title="Nothing was written: dry run" if dry_run else None, box=box.SIMPLE)
        for name in ("dataset", *FIGURES, "first", "last"):
            heading = name.removesuffix("_session")
            table.add_column(heading, justify="right" if name in FIGURES else "left", no_wrap=True)
        for report in reports.values():
            row = report.as_dict()
            figures = (f"{row[name]:,}" for name in FIGURES)
            table.add_row(report.dataset, *figures, row["first"] or "-", row["last"] or "-")
        wide = None if self.stdout.isatty() else 160
        console = Console(file=cast(IO[str], self.stdout), width=wide)
        console.print(table)
        if any(report.rejected for report in reports.values()):
            console.print("Rejected rows are in the admin under Quarantined rows, with file, line and reason.")


def slug(text: str) -> str:
    """A folder's name as a dataset's."""
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-") or "imported"
