"""What `import_trades` and `import_quotes` share: their own columns, and the files and report of `import_bars`."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import Any

from marketdata.importing.dialects import Reading
from marketdata.importing.runner import Report
from marketdata.importing.tick_reading import SPELLINGS, SUFFIXES
from marketdata.importing.tick_runner import import_tick_file
from marketdata.management.commands import import_bars
from marketdata.ticks.columns import TickKind


def column_mapping(kind: TickKind) -> Callable[[str], dict[str, str]]:
    """A parser of price=p,size=s,… that knows the names of the kind."""

    def columns(text: str) -> dict[str, str]:
        pairs = [part.partition("=") for part in text.split(",")]
        for ours, _, theirs in pairs:
            if ours not in SPELLINGS[kind] or not theirs:
                raise ArgumentTypeError(f"{text!r} is not OURS=THEIRS,… with OURS one of {', '.join(SPELLINGS[kind])}")
        return {ours: theirs for ours, _, theirs in pairs}

    return columns


class TickImportCommand(import_bars.Command):
    kind: TickKind
    suffixes = SUFFIXES

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files or folders of them")
        parser.add_argument("--dataset", default="", help="dataset for all files (default: the file's folder)")
        parser.add_argument("--symbol", default="", help="symbol of all rows (default: a column, or the file's name)")
        parser.add_argument("--tz", type=import_bars.time_zone, help="zone of stamps that carry none")
        parser.add_argument("--columns", type=column_mapping(self.kind), help="time=ts,exchange=x,…")
        parser.add_argument("--known-only", action="store_true", help="refuse symbols not known yet")
        parser.add_argument("--dry-run", action="store_true", help="report the same and write nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
        parser.set_defaults(label="start", interval="1m")

    def importer(self, options: dict[str, Any]) -> tuple[import_bars.ImportOne, Callable[[], None]]:
        flags = {name: options[name] for name in ("known_only", "dry_run")}

        def import_one(path: Path, reading: Reading, report: Report) -> None:
            import_tick_file(path, reading, report, self.kind, **flags)

        return import_one, lambda: None
