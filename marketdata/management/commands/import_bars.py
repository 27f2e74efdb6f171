"""`manage.py import_bars PATH...`: real data into the store."""

from __future__ import annotations

import datetime as dt
import json
import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from marketdata import store
from marketdata.errors import MarketDataError
from marketdata.importing import mappings
from marketdata.importing.base.file_form import PRICE_MODES, FileForm, demanded
from marketdata.importing.base.refusals import OtherKind
from marketdata.importing.base.spellings import ours
from marketdata.importing.base.zones import parse_zone
from marketdata.importing.files.finding import SHOWN, SUFFIXES, find_files, folder_name, left_out, not_read
from marketdata.importing.run import ImportRun, ToRead
from marketdata.importing.writing.report import Report
from marketdata.kinds import DayKind
from marketdata.management import import_summary
from marketdata.management.doubts import Asker, at_a_terminal
from marketdata.management.explained import ExplainedCommand


def column_mapping(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    for name, _, theirs in pairs:
        if name not in ours(DayKind.BARS) or not theirs:
            raise ArgumentTypeError(f"{text!r} is not OURS=THEIRS,… with OURS one of {', '.join(ours(DayKind.BARS))}")
    return {name: theirs for name, _, theirs in pairs}


def demands(text: str) -> dict[str, str]:
    """COLUMN=VALUE,…"""
    try:
        return demanded(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def time_zone(text: str) -> str:
    try:
        parse_zone(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return text


def moment(text: str) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a time: write it as 2024-11-18T15:05:00Z") from None
    if found.tzinfo is None:
        raise ArgumentTypeError(f"{text!r} has no offset: write {text}Z for UTC")
    return found


class Command(ExplainedCommand):
    requires_system_checks = ("mappings", "providers")
    help = (
        f"Import one-minute bars from files ({SHOWN}) or folders of them, a dataset per folder. "
        "Some forty vendors' forms are detected, and generic OHLCV; what can be read in two ways is refused, with what "
        "to pass."
    )
    examples = (
        "import_bars ~/data/ --dataset mine",
        "import_bars AAPL.csv --tz America/New_York --label end --dry-run",
    )

    suffixes: tuple[str, ...] = SUFFIXES
    kinds: tuple[str, ...] = (DayKind.BARS,)
    """What a file may hold; it is imported as the first of them that it does."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files or folders of them")
        parser.add_argument("--dataset", default="", help="dataset for all files (default: the file's folder)")
        parser.add_argument("--symbol", default="", help="symbol of all rows (default: a column, or the file's name)")
        parser.add_argument(
            "--mapping", default="", help="a name in MARKETDATA_MAPPINGS, or a kept one; options go over it"
        )
        parser.add_argument("--calendar", default="", help="of new symbols: XLON, XTKS, CMES, 24/7; default: XNYS")
        parser.add_argument("--tz", type=time_zone, help="zone of stamps that carry none")
        parser.add_argument("--date-order", choices=["mdy", "dmy", "ymd"], help="of dates such as 07/02/2025")
        parser.add_argument("--label", choices=["start", "end"], help="what a stamp marks; default: detected")
        parser.add_argument(
            "--prices", choices=PRICE_MODES, help="how they are adjusted; default: raw, or as a file says"
        )
        parser.add_argument("--interval", default="", help="only 1m; wider bars are derived")
        parser.add_argument("--columns", type=column_mapping, help="time=ts,open=o,…")
        add_doubt_options(parser)
        parser.add_argument("--known-at", type=moment, metavar="T", help="market time from which corrections are known")
        parser.add_argument("--known-only", action="store_true", help="refuse symbols not known yet")
        parser.add_argument("--dry-run", action="store_true", help="report the same and write nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *args: Any, paths: Sequence[Path], **options: Any) -> None:
        try:
            form = _form(options)
            files = find_files(paths, self.suffixes)
        except MarketDataError as error:
            raise CommandError(str(error)) from None
        reports, failures, skipped = self._import(files, set(paths), form, options)
        skipped += [not_read(path) for path in left_out(paths)]
        if skipped and not reports and not failures:
            failures = [f"Nothing was imported: {len(skipped)} files were skipped; the first: {skipped[0]}"]
        if options["json"]:
            self.stdout.write(json.dumps(import_summary.as_json(reports, failures, skipped, options["dry_run"])))
        elif options["verbosity"]:
            import_summary.show(self.stdout, reports, skipped, dry_run=options["dry_run"])
        if failures:
            raise CommandError("\n".join(failures))

    def _import(
        self, files: Sequence[Path], named: Set[Path], form: FileForm, options: dict[str, Any]
    ) -> tuple[list[Report], list[str], list[str]]:
        """Read file by file, then write; what cannot be read is reported at the end, and the rest imported."""
        flags: dict[str, Any] = {name: options.get(name) for name in ("known_only", "dry_run", "known_at")}
        run = ImportRun(", ".join(map(str, sorted(named))), **flags)
        asks = at_a_terminal() and options["verbosity"] and not options["json"] and not options["yes"]
        asker = Asker() if asks else None
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        quiet = not options["verbosity"] or options["json"] or asks
        with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
            forms = self._forms(files, form, options["dataset"])
            failures, skipped = self._read(run, progress.track(forms, description="Reading"), named, asker)
            failures += run.refuse_clashes()
            task = progress.add_task("Writing", total=len(run))
            reports = run.write(lambda path: progress.update(task, description=f"Writing {path.name}", advance=1))
        if asker:
            asker.keep()
        return reports, failures, skipped

    def _forms(self, files: Sequence[Path], form: FileForm, dataset: str) -> list[ToRead]:
        return [ToRead(path, form, dataset or slug(folder_name(path)), self.kinds) for path in files]

    def _read(
        self, run: ImportRun, forms: Iterable[ToRead], named: Set[Path], asker: Asker | None
    ) -> tuple[list[str], list[str]]:
        """Why files are left out: those that cannot be read, and those that hold another kind.

        Another kind is a failure only where the file was named itself, and not come upon in a folder.
        """
        failures: list[str] = []
        skipped: list[str] = []
        for one in forms:
            try:
                asker.read(run, one) if asker else run.read(*one)
            except MarketDataError as error:
                other = isinstance(error, OtherKind) and one.path not in named
                (skipped if other else failures).append(str(error))
        return failures, skipped


def add_doubt_options(parser: ArgumentParser) -> None:
    """What answers a doubt about a file's numbers and stamps."""
    parser.add_argument("--decimal", choices=[".", ","], help="the decimal mark; default: detected")
    parser.add_argument("--scale", type=float, help="prices are divided by it")
    parser.add_argument("--only", type=demands, metavar="COLUMN=VALUE", help="only rows that have it")
    parser.add_argument("--as-is", action="store_true", help="take stamps and prices as they are, however odd")
    parser.add_argument("--yes", action="store_true", help="never ask, at a terminal neither: a doubt is refused")


FORM_OPTIONS = (
    *("symbol", "tz", "label", "interval", "columns", "date_order", "decimal", "scale"),
    *("only", "as_is", "prices"),
)


def _form(options: dict[str, Any]) -> FileForm:
    """The mapping that was named, with the options that were given over it."""
    base = mappings.named(options["mapping"]) if options.get("mapping") else FileForm()
    given = {name: options[name] for name in FORM_OPTIONS if options.get(name)}
    exchange = store.require_exchange(options["calendar"]) if options.get("calendar") else ""
    return replace(base, **given, exchange=exchange)


def slug(text: str) -> str:
    """A folder's name as a dataset's."""
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-") or "imported"
