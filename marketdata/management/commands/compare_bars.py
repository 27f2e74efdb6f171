"""`manage.py compare_bars SYM --date D`: bars made from stored trades beside the vendor's bars of the day."""

from __future__ import annotations

import datetime as dt
import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from marketdata.bars_from_trades import Comparison, Difference, compare
from marketdata.calendar import trading_day
from marketdata.columns import TickColumns, no_ticks
from marketdata.errors import MarketDataError, NoData
from marketdata.kinds import DayKind
from marketdata.management.explained import ExplainedCommand
from marketdata.models import Dataset, Scope
from marketdata.store import find_days, load_day, load_ticks, spelled
from marketdata.units import MINUTE_NS

SHOWN = 20


class Command(ExplainedCommand):
    help = "Build minute bars from a day's trades, compare them with the vendor's bars, and say why they differ."
    examples = ("compare_bars IBM --date 2013-10-07", "compare_bars IBM --date 2013-10-07 --json")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("symbol", metavar="SYM", help="e.g. IBM")
        parser.add_argument("--date", required=True, type=dt.date.fromisoformat, metavar="D", help="the day")
        parser.add_argument("--dataset", default="", metavar="N", help="default: the one that has both")
        parser.add_argument("--json", action="store_true", help="one JSON object on standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        (symbol,), date = spelled([options["symbol"]]) or [""], options["date"]
        try:
            dataset, found = compare_day(symbol, date, options["dataset"])
        except MarketDataError as error:
            raise CommandError(str(error)) from None
        if options["json"]:
            payload = {"symbol": symbol, "date": date.isoformat(), "dataset": dataset.name, "minutes": found.minutes}
            payload |= {"equal": found.equal, "reasons": found.reasons()}
            self.stdout.write(json.dumps({**payload, "differences": [asdict(one) for one in found.differences]}))
            return
        self.stdout.write(f"{symbol} {date}, {dataset}: {found.equal} of {found.minutes} minutes are equal")
        for reason, count in found.reasons().items():
            self.stdout.write(f"{count:6} values: {reason}")
        for one in found.differences[:SHOWN]:
            self.stdout.write(_line(one, date))
        if len(found.differences) > SHOWN:
            self.stdout.write(f"and {len(found.differences) - SHOWN} more: --json has them all")


def compare_day(symbol: str, date: dt.date, name: str = "") -> tuple[Dataset, Comparison]:
    """Raises NoData where no dataset has both trades and bars of the day."""
    day = trading_day(date)
    for dataset in Dataset.objects.filter(**({"name": name} if name else {})).order_by("synthetic", "name"):
        bars = load_day(dataset.pk, date, [symbol])
        trades = _trades(dataset, symbol, date, Scope.REGULAR)
        if symbol in bars and len(trades):
            after = _trades(dataset, symbol, date, Scope.EXTENDED)
            after = after.take(after.at >= day.minutes * MINUTE_NS)
            return dataset, compare(trades, after, bars[symbol].bars, day.minutes)
    where = f"Dataset {name} has" if name else "No dataset has"
    raise NoData(f"{where} {'not ' if name else ''}both trades and bars of {symbol} on {date}: import them.")


def _trades(dataset: Dataset, symbol: str, date: dt.date, scope: str) -> TickColumns:
    found = find_days(dataset.pk, DayKind.TRADES, date, [symbol], scope=scope)
    return load_ticks(found[symbol]) if symbol in found else no_ticks(DayKind.TRADES)


def _line(one: Difference, date: dt.date) -> str:
    at = trading_day(date).open + dt.timedelta(minutes=one.minute)
    made, vendor = (("-" if value is None else f"{value:g}") for value in (one.made, one.vendor))
    return f"  {at:%H:%M}Z {one.field:6} trades {made:>10}  vendor {vendor:>10}  {one.reason}"
