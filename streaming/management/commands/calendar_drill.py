"""`manage.py calendar_drill`: every trading day of many years, as a session would play it."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
import zlib
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, cast

from django.core.management.base import CommandError
from rich import box
from rich.console import Console
from rich.table import Table

from marketdata.calendar import FIRST, LAST, TradingDay
from marketdata.errors import MarketDataError
from marketdata.exchange_calendar import NEW_YORK_STOCKS, calendar_of
from marketdata.importing.files.containers import unpacked
from marketdata.management.explained import ExplainedCommand
from marketdata.models import Instrument
from streaming.verify.calendar_drill import DrilledDay, drill

USED = "used"
PIPED = 160
MOST_FAULTS = 20


class Command(ExplainedCommand):
    help = (
        "Prove minute grid, prefetch point, rollover target and derived counts for every trading day of many years, "
        "and print the special ones: half days, holidays, clock changes, unscheduled closures."
    )
    examples = (
        "calendar_drill",
        "calendar_drill --calendar XLON --years 5",
        "calendar_drill --years 5 --end 2025-12-31 --json",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--years", type=int, default=20, help="how many, up to --end (default: 20)")
        parser.add_argument("--end", type=dt.date.fromisoformat, metavar="D", help="last day (default: today)")
        parser.add_argument("--against", type=Path, metavar="CSV", help="sessions to agree with: session,open,close,…")
        parser.add_argument(
            "--calendar",
            default=NEW_YORK_STOCKS,
            metavar="NAME",
            help="XLON, 24/7, …; `used`: those of all instruments",
        )
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *args: Any, years: int, **options: Any) -> None:
        last = min(options["end"] or dt.datetime.now(dt.UTC).date(), LAST)
        if years < 1 or last < FIRST:
            raise CommandError(f"--years {years} to {last} is not possible: give 1 or more, within {FIRST} to {LAST}.")
        first = max(last.replace(year=max(last.year - years, FIRST.year), month=1, day=1), FIRST)
        for exchange in _exchanges(options["calendar"]):
            self._drill(exchange, first, last, options)

    def _drill(self, exchange: str, first: dt.date, last: dt.date, options: dict[str, Any]) -> None:
        try:
            days = drill(first, last, exchange)
        except MarketDataError as error:
            raise CommandError(str(error)) from None
        faults = [f"{day.day.date}: {fault}" for day in days for fault in day.faults]
        if options["against"]:
            faults += _compared(days, options["against"])
        if options["json"]:
            self.stdout.write(json.dumps({"calendar": exchange, **_as_dict(days, faults)}))
        else:
            self._show(days, calendar_of(exchange).zone)
        if faults:
            more = f"\n... and {len(faults) - MOST_FAULTS} more" if len(faults) > MOST_FAULTS else ""
            raise CommandError("\n".join(faults[:MOST_FAULTS]) + more)
        self.stderr.write(f"{len(days):,} trading days of {exchange} from {first} to {last}: all as they should be.")

    def _show(self, days: Sequence[DrilledDay], zone: dt.tzinfo) -> None:
        table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
        for name in ("day", "special", "minutes", "open", "close", "prefetch", "rollover", *COUNTED):
            table.add_column(name, no_wrap=True, justify="left" if name in ("day", "special") else "right")
        for day in (day for day in days if day.special):
            table.add_row(*_cells(day, zone))
        width = None if self.stdout.isatty() else PIPED
        console = Console(file=cast(IO[str], self.stdout), width=width, highlight=False, markup=False)
        console.print(table)
        for kind, count in sorted(_kinds(days).items()):
            console.print(f"{count:>6,}  {kind}")


COUNTED = ("5m", "15m", "30m", "1h", "1d")


def _exchanges(asked: str) -> list[str]:
    if asked != USED:
        return [asked]
    return sorted({NEW_YORK_STOCKS, *Instrument.objects.order_by().values_list("calendar", flat=True).distinct()})


def _cells(day: DrilledDay, zone: dt.tzinfo) -> list[str]:
    upcoming = f"{day.rollover_to:%m-%d %a}" if day.rollover_to else "-"
    hours = (f"{moment:%H:%MZ}" for moment in (day.day.open, day.day.close))
    prefetch = f"{day.prefetch_at.astimezone(zone):%H:%M} there"
    special = "; ".join(day.special)
    counts = map(str, day.counts)
    return [f"{day.day.date} {day.day.date:%a}", special, str(day.day.minutes), *hours, prefetch, upcoming, *counts]


def _kinds(days: Sequence[DrilledDay]) -> Counter[str]:
    """How often each thing comes: holidays by name, closures and half days as such."""
    return Counter(re.sub(r"^then | \d{4}-.*|:.*", "", text) for day in days for text in day.special)


def _as_dict(days: Sequence[DrilledDay], faults: Sequence[str]) -> dict[str, Any]:
    special = [
        {
            "date": day.day.date.isoformat(),
            "special": day.special,
            "minutes": day.day.minutes,
            "prefetch_at": day.prefetch_at.isoformat().replace("+00:00", "Z"),
            "rollover_to": day.rollover_to.isoformat() if day.rollover_to else None,
            "derived": dict(zip(COUNTED, day.counts, strict=True)),
        }
        for day in days
        if day.special
    ]
    return {"days": len(days), "kinds": dict(_kinds(days)), "special": special, "faults": list(faults)}


def _compared(days: Sequence[DrilledDay], path: Path) -> list[str]:
    try:
        return _differences(days, path)
    except MarketDataError as error:
        raise CommandError(str(error)) from None
    except (OSError, EOFError, zlib.error, KeyError, ValueError) as error:
        raise CommandError(f"{path} cannot be read as rows of session,open,close: {error}.") from None


def _differences(days: Sequence[DrilledDay], path: Path) -> list[str]:
    """Where the calendar and a file of sessions made elsewhere differ, within the dates that both have."""
    wanted = {row[0]: row for row in _reference(path)}
    found = {day.day.date: _row(day.day) for day in days}
    low, high = max(min(wanted), min(found)), min(max(wanted), max(found))
    dates = sorted(date for date in wanted.keys() | found.keys() if low <= date <= high)
    return [
        f"{date}: {path.name} has {wanted.get(date)}, the calendar {found.get(date)}"
        for date in dates
        if wanted.get(date) != found.get(date)
    ]


Row = tuple[dt.date, dt.datetime, dt.datetime]


def _row(day: TradingDay) -> Row:
    return day.date, day.open, day.close


def _reference(path: Path) -> Iterator[Row]:
    data, _ = unpacked(path)
    for row in csv.DictReader(data.decode().splitlines()):
        opened, closed = (dt.datetime.fromisoformat(row[name]) for name in ("open", "close"))
        yield dt.date.fromisoformat(row["session"]), opened, closed
