"""`manage.py data_status [SYM...]`: what the store holds, minute for minute, and what is odd about it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import IO, Any, cast

from django.core.management.base import CommandError
from rich import box
from rich.console import Console
from rich.table import Table

from marketdata.coverage.facts import Question
from marketdata.coverage.heat import LEGEND, ROWS, heat_map, least_covered
from marketdata.coverage.status import DatasetStatus, as_dict, data_status, within
from marketdata.coverage.summary import Coverage
from marketdata.coverage.ticks import TickSpan
from marketdata.errors import MarketDataError
from marketdata.ledger import LETTERS
from marketdata.management.arguments import day
from marketdata.management.explained import ExplainedCommand
from marketdata.plurals import counted
from marketdata.store import spelled

PIPED = 200
LETTERS_MEAN = "T traded, A absent in its source, N no trade (proven), F filled later, M missing, H halted"
TICK_FIGURES = ("days", "first", "last", "events", "outside", "minutes", "of")
FIGURES = ("expected", *LETTERS, "quality", "outside", "null vol", "0 vol", "gap")


class Command(ExplainedCommand):
    help = f"Coverage of the stored minutes, as a table and a heat map, and what is odd. Letters: {LETTERS_MEAN}."
    examples = ("data_status", "data_status AAPL --start 2025-07-01 --end 2025-07-11 --json")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("symbols", nargs="*", metavar="SYM", help="default: all; then a line per dataset")
        parser.add_argument("--start", type=day, metavar="D", help="first day")
        parser.add_argument("--end", type=day, metavar="D", help="last day, included")
        parser.add_argument("--dataset", default="", help="only this one, with a line per symbol")
        parser.add_argument("--json", action="store_true", help="one JSON object, as /api/data-status/ gives it")

    def handle(self, *args: Any, **options: Any) -> None:
        symbols = spelled(part for given in options["symbols"] for part in given.split(","))
        try:
            question = Question(symbols, *within(options["start"], options["end"]))
            statuses = data_status(question, options["dataset"])
        except MarketDataError as error:
            raise CommandError(str(error)) from None
        detail = bool(symbols or options["dataset"])
        if options["json"]:
            self.stdout.write(json.dumps({"datasets": [as_dict(status, detail=detail) for status in statuses]}))
            return
        width = None if self.stdout.isatty() else PIPED
        console = Console(file=cast(IO[str], self.stdout), width=width, highlight=False, markup=False)
        for status in statuses if detail else ():
            if status.days:
                _show_symbols(console, status)
            _show_symbol_ticks(console, status)
        if not detail:
            _show_datasets(console, statuses)


def _show_datasets(console: Console, statuses: Sequence[DatasetStatus]) -> None:
    if not statuses:
        console.print("The store holds no days yet: manage.py import_bars or fetch_bars brings some.")
        return
    table = _table("dataset", "symbols", "days", "first", "last", *FIGURES)
    with_bars = [status for status in statuses if status.days]
    for status in with_bars:
        first, last = str(status.days[0].date), str(status.days[-1].date)
        counts = f"{len(status.symbols):,}", f"{len(status.days):,}"
        table.add_row(status.dataset.name, *counts, first, last, *_cells(status.total))
    if with_bars:
        console.print(table)
    _show_ticks(console, statuses)
    for status in statuses:
        _show_notes(console, status)
    console.print(f"Letters: {LETTERS_MEAN}.")


def _show_ticks(console: Console, statuses: Sequence[DatasetStatus]) -> None:
    """A line per dataset and kind of event, where there is any."""
    table = _table("dataset", "kind", "symbols", *TICK_FIGURES)
    for status in statuses:
        for ticks in status.ticks:
            table.add_row(status.dataset.name, ticks.name, f"{ticks.total.symbols:,}", *_tick_cells(ticks.total))
    if table.row_count:
        console.print(table)


def _show_symbol_ticks(console: Console, status: DatasetStatus) -> None:
    for ticks in status.ticks:
        console.print(f"\n{status.dataset.name}: {ticks.name}", style="bold")
        table = _table("symbol", *TICK_FIGURES)
        for symbol, span in list(ticks.symbols.items())[:ROWS]:
            table.add_row(symbol, *_tick_cells(span))
        if len(ticks.symbols) > 1:
            table.add_row("all", *_tick_cells(ticks.total), style="bold")
        console.print(table)
        if len(ticks.symbols) > ROWS:
            console.print(f"... and {len(ticks.symbols) - ROWS} more symbols: --json has them all.\n")


def _tick_cells(span: TickSpan) -> list[str]:
    counts = (span.events, span.outside, span.minutes, span.expected)
    return [f"{span.days:,}", str(span.first), str(span.last), *(f"{count:,}" if count else "" for count in counts)]


def _show_symbols(console: Console, status: DatasetStatus) -> None:
    kind = " (synthetic)" if status.dataset.synthetic else ""
    span = f"{status.days[0].date} to {status.days[-1].date}, {counted(len(status.days), 'day')}"
    console.print(f"\n{status.dataset.name}{kind}: {counted(len(status.symbols), 'symbol')}, {span}", style="bold")
    table = _table("symbol", "days", "half", "missing days", *FIGURES)
    least = least_covered(status.symbols)
    for symbol in least[:ROWS]:
        days = str(len(symbol.days)), str(symbol.half_days), str(len(symbol.missing_days))
        table.add_row(symbol.symbol, *days, *_cells(symbol.coverage))
    if len(least) > 1:
        table.add_row("all", str(len(status.days)), "", "", *_cells(status.total), style="bold")
    console.print(table)
    if len(least) > ROWS:
        console.print(f"... and {len(least) - ROWS} symbols that are covered better: --json has them all.\n")
    for line in heat_map(status.symbols, console.width):
        console.print(line, no_wrap=True)
    console.print(f"{LEGEND}\n", style="dim")
    _show_notes(console, status)
    console.print(f"Letters: {LETTERS_MEAN}.", style="dim")


def _show_notes(console: Console, status: DatasetStatus) -> None:
    if status.notes:
        console.print(f"{status.dataset.name}:", style="bold")
    for note in status.notes:
        console.print(f"  {note.text}", soft_wrap=True)


def _table(*names: str) -> Table:
    table = Table(box=box.SIMPLE, padding=(0, 1, 0, 0))
    for name in names:
        text = name in ("dataset", "symbol", "kind", "first", "last")
        table.add_column(name, justify="left" if text else "right", no_wrap=name not in ("null vol", "0 vol"))
    return table


def _cells(coverage: Coverage) -> list[str]:
    quality = "n/a" if coverage.quality is None else f"{coverage.quality:.2%}"
    letters = [f"{coverage.letters[letter]:,}" if coverage.letters[letter] else "" for letter in LETTERS]
    rest = (coverage.outside, coverage.null_volume, coverage.zero_volume, coverage.longest_gap)
    return [f"{coverage.expected:,}", *letters, quality, *(f"{value:,}" if value else "" for value in rest)]
