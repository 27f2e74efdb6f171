"""`manage.py import_bars PATH...`: real data into the store."""

from __future__ import annotations

import datetime as dt
import json
import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import CommandError
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as RichTable

from marketdata.errors import MarketDataError
from marketdata.importing import mappings
from marketdata.importing.batch import Batch
from marketdata.importing.dialects import SPELLINGS, NotBars, Reading
from marketdata.importing.files import SUFFIXES, find_files, folder_name
from marketdata.importing.runner import Report
from marketdata.management.explained import ExplainedCommand

ImportOne = Callable[[Path, Reading, Report], None]
MOST_SKIPPED = 10
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
        if ours not in (*SPELLINGS, "date") or not theirs:
            raise ArgumentTypeError(f"{text!r} is not OURS=THEIRS,… with OURS one of {', '.join(SPELLINGS)}")
    return {ours: theirs for ours, _, theirs in pairs}


def time_zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError):
        raise ArgumentTypeError(f"{text!r} is not a time zone: e.g. America/New_York or UTC") from None


def moment(text: str) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a time: write it as 2024-11-18T15:05:00Z") from None
    if found.tzinfo is None:
        raise ArgumentTypeError(f"{text!r} has no offset: write {text}Z for UTC")
    return found


class Command(ExplainedCommand):
    help = (
        f"Import one-minute bars from files ({', '.join(SUFFIXES)}) or folders of them, a dataset per folder. "
        "The forms of Alpaca, yfinance (also wide, with many symbols), LEAN and generic OHLCV are detected."
    )
    examples = (
        "import_bars ~/data/ --dataset mine",
        "import_bars AAPL.csv --tz America/New_York --label end --dry-run",
    )

    suffixes: tuple[str, ...] = SUFFIXES

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files or folders of them")
        parser.add_argument("--dataset", default="", help="dataset for all files (default: the file's folder)")
        parser.add_argument("--symbol", default="", help="symbol of all rows (default: a column, or the file's name)")
        parser.add_argument("--mapping", default="", help="a name in MARKETDATA_MAPPINGS; other options go over it")
        parser.add_argument("--tz", type=time_zone, help="zone of stamps that carry none")
        parser.add_argument("--date-order", choices=["mdy", "dmy"], help="of dates such as 07/02/2025")
        parser.add_argument("--label", choices=["start", "end"], help="what a stamp marks (default: start)")
        parser.add_argument("--interval", default="", help="only 1m; wider bars are derived")
        parser.add_argument("--columns", type=column_mapping, help="time=ts,open=o,…")
        parser.add_argument("--known-at", type=moment, metavar="T", help="market time from which corrections are known")
        parser.add_argument("--known-only", action="store_true", help="refuse symbols not known yet")
        parser.add_argument("--dry-run", action="store_true", help="report the same and write nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *args: Any, paths: Sequence[Path], **options: Any) -> None:
        try:
            reading = _reading(options)
            files = find_files(paths, self.suffixes)
        except MarketDataError as error:
            raise CommandError(str(error)) from None
        reports, failures, skipped = self._import(files, set(paths), reading, options)
        if options["json"]:
            found = {
                "datasets": [r.as_dict() for r in reports.values()],
                "errors": failures,
                "skipped": skipped,
                "dry_run": options["dry_run"],
            }
            self.stdout.write(json.dumps(found))
        elif options["verbosity"]:
            self._show(reports, skipped, dry_run=options["dry_run"])
        if failures:
            raise CommandError("\n".join(failures))

    def _import(
        self, files: Sequence[Path], named: Set[Path], reading: Reading, options: dict[str, Any]
    ) -> tuple[dict[str, Report], list[str], list[str]]:
        """Import file by file; one that cannot be read is told at the end, and the others are imported.

        A file that holds no bars is a failure only where it was named itself, and not come upon in a folder.
        """
        reports: dict[str, Report] = {}
        failures: list[str] = []
        skipped: list[str] = []
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        quiet = not options["verbosity"] or options["json"]
        with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
            task = progress.add_task("Importing", total=len(files))
            import_one, finish = self.importer(options)
            for path in files:
                progress.update(task, description=path.name)
                name = options["dataset"] or slug(folder_name(path))
                report = reports.get(name) or Report(name)
                try:
                    import_one(path, reading, report)
                    reports[name] = report
                except MarketDataError as error:
                    passed_over = isinstance(error, NotBars) and path not in named
                    (skipped if passed_over else failures).append(str(error))
                progress.advance(task)
            finish()
        return reports, failures, skipped

    def importer(self, options: dict[str, Any]) -> tuple[ImportOne, Callable[[], None]]:
        """What imports a file, and what is to be called after the last one."""
        batch = Batch(**{name: options[name] for name in ("known_only", "dry_run", "known_at")})
        return batch.add, batch.flush

    def _show(self, reports: dict[str, Report], skipped: Sequence[str], *, dry_run: bool) -> None:
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
            console.print("Rejected rows: manage.py quarantine, or the admin's Quarantined rows.")
        if skipped:
            console.print(f"Passed over, as they hold no minute bars: {len(skipped)} files.")
            for told in skipped[:MOST_SKIPPED]:
                console.print(f"  {told}", markup=False, soft_wrap=True)


def _reading(options: dict[str, Any]) -> Reading:
    """The mapping that was named, with the options that were given over it."""
    base = mappings.named(options["mapping"]) if options.get("mapping") else Reading()
    names = ("symbol", "tz", "label", "interval", "columns", "date_order")
    return replace(base, **{name: options[name] for name in names if options.get(name)})


def slug(text: str) -> str:
    """A folder's name as a dataset's."""
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-") or "imported"
