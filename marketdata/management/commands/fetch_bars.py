"""`manage.py fetch_bars SYM...`: the days that the store lacks, from a provider."""

from __future__ import annotations

import datetime as dt
import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from marketdata import calendar
from marketdata.calendar import TradingDay
from marketdata.errors import MarketDataError
from marketdata.management.arguments import day
from marketdata.management.explained import ExplainedCommand
from marketdata.models import Dataset
from marketdata.providers.base import Provider, get_provider, provider_dataset
from marketdata.providers.bulk import Plan, Question, Tally, fetch, plan
from marketdata.providers.daily import fetch_daily
from marketdata.store import spelled
from marketdata.symbols import require_symbols

ANNOUNCED = 5
"""Reasons that are printed; all of them are in the admin under Fetch attempts, and in --json."""


class Command(ExplainedCommand):
    requires_system_checks = ("providers",)
    help = "Fetch the trading days that the store lacks; run again after an interruption, it asks for the rest only."
    examples = ("fetch_bars AAPL MSFT --start 2025-07-01 --end 2025-07-03 --provider synthetic",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("symbols", nargs="+", metavar="SYM", help="E.g. AAPL MSFT.")
        parser.add_argument("--start", type=day, required=True, metavar="D", help="First day.")
        parser.add_argument("--end", type=day, metavar="D", help="Last day, included; default: the first.")
        parser.add_argument("--provider", required=True, metavar="P", help="A name in MARKETDATA_PROVIDERS.")
        parser.add_argument(
            "--parallel", type=int, metavar="N", help="Questions at once; default: the provider's most."
        )
        parser.add_argument("--again", action="store_true", help='Also ask for days answered with "no data" before.')
        parser.add_argument("--daily", action="store_true", help="Also the daily bars, to hold the minutes against.")
        parser.add_argument("--json", action="store_true", help="One JSON object on standard output.")

    def handle(self, *args: Any, **options: Any) -> None:
        symbols = spelled(part for given in options["symbols"] for part in given.split(","))
        try:
            require_symbols(symbols)
            provider = get_provider(options["provider"])
            dataset, days = provider_dataset(provider), _days(options["start"], options["end"] or options["start"])
            made = plan(dataset, provider, symbols, days, again=options["again"])
            tally = self._fetch(dataset, provider, made, options)
            if options["daily"]:
                tally.daily = {symbol: _daily(dataset, provider, symbol, days) for symbol in symbols}
        except MarketDataError as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("Interrupted: what was fetched is kept, the same command goes on from here.") from None
        self._report(dataset, made, tally, options)

    def _fetch(self, dataset: Dataset, provider: Provider, made: Plan, options: dict[str, Any]) -> Tally:
        most = getattr(provider, "parallel", 1)
        parallel = min(options["parallel"] or most, most)
        if parallel < 1:
            raise CommandError(f"--parallel {options['parallel']} is not possible: give 1 to {most}.")
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        quiet = not options["verbosity"] or options["json"]
        with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
            task = progress.add_task("Fetching days", total=made.days)

            def report(question: Question) -> None:
                what = question.symbols[0] + (f" to {question.symbols[-1]}" if len(question.symbols) > 1 else "")
                progress.update(task, advance=question.size, description=f"{what} {question.days[-1].date}")

            return fetch(dataset, provider, made.questions, parallel, report)

    def _report(self, dataset: Dataset, made: Plan, tally: Tally, options: dict[str, Any]) -> None:
        payload = {"dataset": dataset.name, "provider": options["provider"], "held": made.held, "asked": made.days}
        payload |= {"known_without": made.known_without, **tally.as_dict()}
        if options["json"]:
            self.stdout.write(json.dumps(payload))
        elif options["verbosity"]:
            self.stdout.write(
                f"Dataset {dataset}: {tally.fetched} days fetched, {made.held} were there, "
                f"{len(tally.without) + made.known_without} have no data, {len(tally.failed)} failed."
            )
            self._explain(tally)
        if tally.failed or tally.unknown or tally.refused:
            raise CommandError(_verdict(tally))

    def _explain(self, tally: Tally) -> None:
        for symbol, reported in tally.daily.items():
            self.stdout.write(
                f"  {symbol}: {reported} daily bars" if isinstance(reported, int) else f"  {symbol}: {reported}"
            )
        for symbol, date, reason in sorted(tally.without)[:ANNOUNCED]:
            self.stdout.write(f"  {symbol} {date}: {reason}")
        for symbol, date, reason in sorted(tally.failed)[:ANNOUNCED]:
            self.stderr.write(f"  {symbol} {date}: {reason}")


def _days(start: dt.date, end: dt.date) -> list[TradingDay]:
    if end < start:
        raise CommandError(f"--end {end} is before --start {start}.")
    days = calendar.trading_days(start, end)
    if not days:
        raise CommandError(f"There is no trading day from {start} to {end}.")
    return days


def _daily(dataset: Dataset, provider: Provider, symbol: str, days: list[TradingDay]) -> int | str:
    """How many daily bars came, or why none did."""
    try:
        return fetch_daily(dataset, provider, symbol, days)
    except MarketDataError as error:
        return str(error)


def _verdict(tally: Tally) -> str:
    if tally.refused:
        return tally.refused
    if tally.unknown:
        return " ".join(tally.unknown.values())
    count = len(tally.failed)
    return f"{count} day{'s' * (count > 1)} failed: the same command asks for {'them' if count > 1 else 'it'} again."
