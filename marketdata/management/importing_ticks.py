"""What `import_trades` and `import_quotes` share: their own columns, and the files and report of `import_bars`."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from pathlib import Path

from marketdata.importing.base.spellings import ours
from marketdata.kinds import DayKind
from marketdata.management.commands import import_bars


def column_mapping(kind: DayKind) -> Callable[[str], dict[str, str]]:
    """A parser of price=p,size=s,… that knows the names of the kind."""

    def columns(text: str) -> dict[str, str]:
        pairs = [part.partition("=") for part in text.split(",")]
        known = ours(str(kind))
        for name, _, theirs in pairs:
            if name not in known or not theirs:
                raise ArgumentTypeError(f"{text!r} is not OURS=THEIRS,… with OURS one of {', '.join(known)}")
        return {name: theirs for name, _, theirs in pairs}

    return columns


class TickImportCommand(import_bars.Command):
    requires_system_checks = ("mappings", "providers")

    kind: DayKind

    @property
    def kinds(self) -> tuple[str, ...]:  # type: ignore[override]
        return (self.kind,)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files or folders of them")
        parser.add_argument("--dataset", default="", help="dataset for all files (default: the file's folder)")
        parser.add_argument("--symbol", default="", help="symbol of all rows (default: a column, or the file's name)")
        parser.add_argument("--tz", type=import_bars.time_zone, help="zone of stamps that carry none")
        parser.add_argument("--date-order", choices=["mdy", "dmy", "ymd"], help="of dates such as 07/02/2025")
        parser.add_argument("--columns", type=column_mapping(self.kind), help="time=ts,exchange=x,…")
        parser.add_argument("--known-only", action="store_true", help="refuse symbols not known yet")
        parser.add_argument("--dry-run", action="store_true", help="report the same and write nothing")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
        import_bars.add_doubt_options(parser)
        parser.set_defaults(interval="1m")
