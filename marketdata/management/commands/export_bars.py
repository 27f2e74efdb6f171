"""`manage.py export_bars SYM...`: stored bars as CSV or Parquet, in the form that import_bars reads back."""

from __future__ import annotations

import datetime as dt
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
from django.core.management.base import CommandError

from marketdata import store
from marketdata.errors import BadInterval, MarketDataError
from marketdata.exporting import SUFFIXES, BarFile, Export, csv_text
from marketdata.intervals import parse_interval
from marketdata.management.arguments import day
from marketdata.management.explained import ExplainedCommand
from marketdata.models import Dataset, DayVersion
from marketdata.store import spelled


class Command(ExplainedCommand):
    help = "Export stored bars: to standard output as CSV, to a file, or to a folder with a file per symbol."
    examples = (
        "export_bars AAPL --start 2025-07-02 --end 2025-07-03 --to aapl.csv.gz",
        "export_bars --dataset mine --to exported/ --form parquet",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("symbols", nargs="*", metavar="SYM", help="default: all that the dataset has")
        parser.add_argument("--start", type=day, metavar="D", help="first day (default: the first stored)")
        parser.add_argument("--end", type=day, metavar="D", help="last day, included (default: the last stored)")
        parser.add_argument("--dataset", default="", help="default: real before synthetic, then the most complete")
        parser.add_argument("--interval", default="1m", help="1m, 5m, 15m, 30m, 1h, 1d or any minutes (7m)")
        parser.add_argument("--extended", action="store_true", help="also minutes outside the regular session")
        parser.add_argument("--to", default="-", metavar="PATH", help=f"a file ({', '.join(SUFFIXES)}) or a folder")
        parser.add_argument("--form", choices=[s[1:] for s in SUFFIXES], default="csv.gz", help="of files in a folder")
        parser.add_argument("--overwrite", action="store_true", help="replace files that are there")
        parser.add_argument("--json", action="store_true", help="say what was written as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            export = _export(options)
            written = self._write(export, options)
        except (MarketDataError, OSError) as error:
            raise CommandError(str(error)) from None
        if not written:
            raise CommandError(f"Dataset {export.dataset} has no such bars of {', '.join(export.symbols)}.")
        without = [symbol for symbol in export.symbols if symbol not in written]
        if options["json"] and options["to"] != "-":
            payload = {"dataset": export.dataset.name, "interval": export.interval, "bars": written, "without": without}
            self.stdout.write(json.dumps(payload))
        elif options["verbosity"]:
            bars, symbols = sum(written.values()), len(written)
            of = f"{symbols} symbol{'s' * (symbols != 1)}"
            self.stderr.write(f"{bars:,} bar{'s' * (bars != 1)} of {of} from {export.dataset}.")
        if without:
            self.stderr.write(f"Without a bar there: {', '.join(without)}.")

    def _write(self, export: Export, options: dict[str, Any]) -> dict[str, int]:
        """Symbol → bars that were written."""
        if options["to"] == "-":
            return self._print(export)
        path = Path(options["to"])
        if path.name.endswith(SUFFIXES):
            return _to_file(export, _free(path, options))
        path.mkdir(parents=True, exist_ok=True)
        return _to_folder(export, path, options)

    def _print(self, export: Export) -> dict[str, int]:
        written: dict[str, int] = {}
        for table in export.tables():
            self.stdout.write(csv_text(table, header=not written), ending="")
            _count(table, written)
        return written


def _export(options: dict[str, Any]) -> Export:
    """Raises MarketDataError, naming what is wrong."""
    symbols = spelled(part for given in options["symbols"] for part in given.split(","))
    parse_interval(options["interval"])
    if options["extended"] and options["interval"] != "1m":
        raise BadInterval(f"--extended has minutes only, not {options['interval']}: derived bars are of the session.")
    if options["start"] and options["end"] and options["end"] < options["start"]:
        raise MarketDataError(f"--end {options['end']} is before --start {options['start']}.")
    dataset = _dataset(options["dataset"], symbols, options["start"], options["end"])
    if not symbols:
        days = DayVersion.objects.current().minutes().filter(dataset=dataset)
        symbols = sorted(days.order_by().values_list("instrument__symbol", flat=True).distinct())
    return Export(dataset, symbols, options["start"], options["end"], options["interval"], options["extended"])


def _dataset(name: str, symbols: list[str], since: dt.date | None, until: dt.date | None) -> Dataset:
    names = ", ".join(Dataset.objects.values_list("name", flat=True)) or "none yet"
    if name:
        found = Dataset.objects.filter(name=name).first()
        if found is None:
            raise MarketDataError(f"There is no dataset {name!r}: there are {names}.")
        return found
    if not symbols:
        raise MarketDataError(f"Name symbols or a --dataset: there are {names}.")
    chosen = store.choose_dataset(symbols, since=since, until=until) or store.choose_dataset(symbols)
    if chosen is None:
        raise MarketDataError(f"No dataset has all of {', '.join(symbols)} on one day: there are {names}.")
    return chosen


def _free(path: Path, options: dict[str, Any]) -> Path:
    if path.exists() and not options["overwrite"]:
        raise MarketDataError(f"{path} is there already: pass --overwrite to replace it.")
    return path


def _to_file(export: Export, path: Path) -> dict[str, int]:
    written: dict[str, int] = {}
    with BarFile(path, export.schema()) as file:
        for table in export.tables():
            file.write(table)
            _count(table, written)
    return written


def _to_folder(export: Export, folder: Path, options: dict[str, Any]) -> dict[str, int]:
    written: dict[str, int] = {}
    for symbol in export.symbols:
        one = Export(export.dataset, [symbol], export.start, export.end, export.interval, export.extended)
        name = symbol.replace("/", "-")
        written |= _to_file(one, _free(folder / f"{name}_{export.interval}.{options['form']}", options))
    return written


def _count(table: Any, written: dict[str, int]) -> None:
    if table.num_rows:
        symbol = pc.first(table["symbol"]).as_py()
        written[symbol] = written.get(symbol, 0) + table.num_rows
