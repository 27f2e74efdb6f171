"""A folder of CSV and Parquet files as a provider: looked through on demand, with the importer's own reading."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from marketdata.calendar import session_date_of, trading_days
from marketdata.columns import BarColumns
from marketdata.errors import MarketDataError, ProviderFailed, UnknownSymbol
from marketdata.importing.dialects import NotBars, Reading, UnreadableFile
from marketdata.importing.files import find_files
from marketdata.importing.reading import read
from marketdata.importing.splitting import Split, SymbolDay, split
from marketdata.models import Scope
from marketdata.providers.base import BadRow, BarsAnswer, DatasetSpec, Label, NoDataExists, Rows

DATE = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?!\d)")
SYMBOL = re.compile(r"[A-Z][A-Z.\-]{0,9}")
KEPT_FILES = 8
"""Files whose bars stay in memory: the days of one file are asked for one after another."""


class FilesProvider:
    """`root`: the folder. A file is of the symbol that its name or its folder's name says, or holds many.

    Dates in a name bound it: AAPL_2024-01-02_2024-01-19_1min.csv.gz, 2018-02-16_1min.parquet,
    AAPL/2024-01-02.csv. `tz`, `label`, `columns` as in import_bars; `dataset`: the name of the dataset.
    """

    parallel = 1

    def __init__(
        self,
        name: str,
        *,
        root: str,
        dataset: str = "",
        tz: str = "",
        label: Label = "start",
        columns: Mapping[str, str] | None = None,
        authoritative: bool = False,
    ) -> None:
        self.name, self.root, self.label, self.authoritative = name, Path(root).expanduser(), label, authoritative
        if not self.root.is_dir():
            raise MarketDataError(f"Provider {name}: its root {self.root} is no folder.")
        self.dataset = DatasetSpec(dataset or name, dataset or name)
        self.reading = Reading(tz=tz, label=label, columns=dict(columns or {}))
        self._split = lru_cache(maxsize=KEPT_FILES)(self._split_file)

    def fetch_bars(self, symbol: str, start: dt.datetime, end: dt.datetime, interval: str = "1m") -> BarsAnswer:
        if interval != "1m":
            raise MarketDataError(f"Interval {interval!r} cannot be read from files: they hold 1m.")
        dates = {day.date for day in trading_days(session_date_of(start), session_date_of(end))}
        files = [path for path in self._files() if may_hold(path, symbol)]
        if not files:
            raise UnknownSymbol(f"No file under {self.root} is of {symbol}.")
        days, bad = self._days(files, symbol, dates)
        answer = _rows(days, bad, start, end)
        if not len(answer.stamps):
            return NoDataExists(f"no file under {self.root} has a bar of it then")
        return answer

    def _files(self) -> list[Path]:
        try:
            return find_files([self.root])
        except UnreadableFile as error:
            raise ProviderFailed(f"{self.name}: {error}") from None

    def _days(self, files: Sequence[Path], symbol: str, dates: set[dt.date]) -> tuple[list[SymbolDay], list[BadRow]]:
        days: list[SymbolDay] = []
        bad: list[BadRow] = []
        for path in files:
            if not any(_covers(path, date) for date in dates):
                continue
            parts = self._parts(path)
            mine = (day for day in parts.days if day.symbol == symbol and day.date in dates)
            days += [day for day in mine if day.scope == Scope.REGULAR]
            bad += [BadRow(str(path), row.line, row.reason, row.raw) for row in parts.rejected if row.symbol == symbol]
        return days, bad

    def _parts(self, path: Path) -> Split:
        try:
            seen = path.stat()
            return self._split(path, seen.st_mtime_ns, seen.st_size)
        except (UnreadableFile, OSError) as error:
            raise ProviderFailed(f"{self.name}: {error}") from None

    def _split_file(self, path: Path, changed: int, size: int) -> Split:
        """The file's days; `changed` and `size` make another file of one that was written again."""
        try:
            return split(read(path, self.reading_of(path)))
        except NotBars:  # quotes, say, beside the bars
            return Split()

    def reading_of(self, path: Path) -> Reading:
        """Where only the folder says the symbol, it is given; else the importer finds it."""
        folder = path.parent.name
        if path.parent != self.root and SYMBOL.fullmatch(folder) and not _named(path):
            return replace(self.reading, symbol=folder)
        return self.reading


def may_hold(path: Path, symbol: str) -> bool:
    """Whether a file may have the symbol: its name says so, or says no symbol at all."""
    named = _named(path)
    if named:
        return named == symbol
    folder = path.parent.name
    return folder == symbol or not SYMBOL.fullmatch(folder)


def _named(path: Path) -> str:
    """The symbol that a file's name begins with; empty where it begins with a date or a word."""
    first = re.split(r"[_.]", path.name)[0] if "_" in path.name else path.name.removesuffix(".gz").rsplit(".", 1)[0]
    return first if SYMBOL.fullmatch(first) else ""


def _covers(path: Path, date: dt.date) -> bool:
    """Whether the dates in a file's name, first and last, allow for this one."""
    found = sorted(_dates(path.name))
    return not found or found[0] <= date <= found[-1]


def _dates(name: str) -> Iterator[dt.date]:
    for match in DATE.finditer(name):
        try:
            yield dt.date(*map(int, match.groups()))
        except ValueError:
            continue


def _rows(days: Sequence[SymbolDay], bad: Sequence[BadRow], start: dt.datetime, end: dt.datetime) -> Rows:
    """All days' bars in time order; of two files with the same minute the first holds."""
    opens = {day.date: round(day.open.timestamp()) for day in trading_days(start.date(), end.date())}
    parts = [day for day in days if day.date in opens]
    if not parts:
        nothing = np.empty(0, np.int64)
        return Rows(nothing, BarColumns(nothing, *[np.empty(0)] * 7), bad)
    stamps = np.concatenate([day.bars.offset + opens[day.date] for day in parts])
    columns = (np.concatenate([getattr(day.bars, name) for day in parts]) for name in BarColumns.__slots__)
    kept, first = np.unique(stamps, return_index=True)
    first = first[(kept >= start.timestamp()) & (kept < end.timestamp())]
    return Rows(stamps[first], BarColumns(*columns).take(first), bad)
