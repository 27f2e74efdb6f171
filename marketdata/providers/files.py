"""A folder of CSV and Parquet files as a provider: looked through on demand, with the importer's own reading."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from marketdata.calendar import session_date_of, trading_days
from marketdata.columns import BarColumns
from marketdata.errors import MarketDataError, ProviderFailed, UnknownSymbol
from marketdata.exchange_calendar import NEW_YORK_STOCKS
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import NotBars, UnreadableFile
from marketdata.importing.days.said_by_path import refuse_other_folder
from marketdata.importing.days.splitting import SymbolDay, split
from marketdata.importing.tables.bar_reading import read
from marketdata.kinds import DayKind
from marketdata.models import Scope
from marketdata.providers.base import BadRow, BarsAnswer, DatasetSpec, Label, NoDataExists, Rows
from marketdata.providers.files_ticks import TickFiles
from marketdata.providers.folder import Folder, covers, refuse_contradictions
from marketdata.providers.tick_fetching import TicksAnswer
from marketdata.providers.together import Ahead, Answered
from marketdata.symbols import caseless_key

KEPT_FILES = 8
"""Files whose bars stay in memory: the days of one file, and the symbols of a day's files, are asked for in turn."""


@dataclass(slots=True)
class Parts:
    """What one file holds, by what its symbols mean."""

    days: dict[str, list[SymbolDay]] = field(default_factory=dict)
    bad: dict[str, list[BadRow]] = field(default_factory=dict)


class FilesProvider:
    """`root`: the folder. A file is of the symbol that its name or its folder's name says, or holds many.

    Dates in a name bound it: AAPL_2024-01-02_2024-01-19_1min.csv.gz, 2018-02-16_1min.parquet,
    AAPL/2024-01-02.csv. `tz`, `label`, `columns` as in import_bars, `trade_columns` and `quote_columns` as in
    import_trades and import_quotes; `dataset`: the name of the dataset. Files of trades, quotes and quote bars among
    them are what it has of those.
    """

    parallel = 1
    exchanges = (NEW_YORK_STOCKS,)
    symbols_per_question = 400
    """The most symbols of one day; each file is read once for all of them."""

    def __init__(
        self,
        name: str,
        *,
        root: str,
        dataset: str = "",
        tz: str = "",
        label: Label = "start",
        columns: Mapping[str, str] | None = None,
        trade_columns: Mapping[str, str] | None = None,
        quote_columns: Mapping[str, str] | None = None,
        authoritative: bool = False,
    ) -> None:
        self.name, self.label, self.authoritative = name, label, authoritative
        self.folder = Folder(name, Path(root).expanduser())
        self.dataset = DatasetSpec(dataset or name, dataset or name)
        self.form = FileForm(tz=tz, label=label, columns=dict(columns or {}))
        given = {DayKind.TRADES: trade_columns, DayKind.QUOTES: quote_columns}
        forms = {kind: replace(self.form, columns=dict(names or {})) for kind, names in given.items()}
        self.ticks = TickFiles(self.folder, forms)
        self._split = lru_cache(maxsize=KEPT_FILES)(self._split_file)

    @property
    def days_per_question(self) -> int:
        """A file of one symbol is read once for all its days; of those that hold many, so many as are kept."""
        return KEPT_FILES if self.folder.has_shared() else self.symbols_per_question

    def fetch_bars(self, symbol: str, start: dt.datetime, end: dt.datetime, interval: str = "1m") -> BarsAnswer:
        if interval != "1m":
            raise MarketDataError(f"Interval {interval!r} cannot be read from files: they hold 1m.")
        return self._bars(symbol, self.folder.of([symbol])[symbol], start, end)

    def fetch_many(self, symbols: Sequence[str], start: dt.datetime, end: dt.datetime) -> Ahead:
        files = self.folder.of(symbols)
        return {symbol: self._answered(symbol, files[symbol], start, end) for symbol in symbols}

    def fetch_trades(self, symbol: str, start: dt.datetime, end: dt.datetime) -> TicksAnswer:
        return self.ticks.fetch(DayKind.TRADES, symbol, start, end)

    def fetch_quotes(self, symbol: str, start: dt.datetime, end: dt.datetime) -> TicksAnswer:
        return self.ticks.fetch(DayKind.QUOTES, symbol, start, end)

    def _answered(self, symbol: str, files: Sequence[Path], start: dt.datetime, end: dt.datetime) -> Answered:
        try:
            return self._bars(symbol, files, start, end)
        except (ProviderFailed, UnknownSymbol) as error:
            return error

    def _bars(self, symbol: str, files: Sequence[Path], start: dt.datetime, end: dt.datetime) -> BarsAnswer:
        if not files:
            raise UnknownSymbol(f"No file under {self.folder.root} is of {symbol}.")
        dates = {day.date for day in trading_days(session_date_of(start), session_date_of(end))}
        key = caseless_key(symbol)
        found: list[tuple[Path, SymbolDay]] = []
        bad: list[BadRow] = []
        for path in (path for path in files if any(covers(path, date) for date in dates)):
            parts = self._parts(path)
            found += [(path, day) for day in parts.days.get(key, ()) if day.date in dates]
            bad += parts.bad.get(key, ())
        refuse_contradictions(self.name, found)
        answer = _rows([day for _, day in found], bad, start, end)
        if not len(answer.stamps) and not bad:
            return NoDataExists(f"no file under {self.folder.root} has a bar of it then")
        return answer

    def _parts(self, path: Path) -> Parts:
        try:
            seen = path.stat()
            return self._split(path, seen.st_mtime_ns, seen.st_size)
        except (UnreadableFile, OSError) as error:
            raise ProviderFailed(f"{self.name}: {error}") from None

    def _split_file(self, path: Path, changed: int, size: int) -> Parts:
        """The file's regular days; `changed` and `size` make another file of one that was written again."""
        parts = Parts()
        try:
            form = self.folder.form_of(path, self.form)
            table = read(path, form)
            found = split(table, as_is=form.as_is)
            if found.days:
                refuse_other_folder(path, found, table.exchange)
        except NotBars:  # quotes, say, beside the bars
            return parts
        for day in found.days:
            if day.scope == Scope.REGULAR:
                parts.days.setdefault(caseless_key(day.symbol), []).append(day)
        for row in found.rejected:
            parts.bad.setdefault(caseless_key(row.symbol), []).append(BadRow(str(path), row.line, row.reason, row.raw))
        return parts


def _rows(days: Sequence[SymbolDay], bad: Sequence[BadRow], start: dt.datetime, end: dt.datetime) -> Rows:
    """All days' bars in time order; a minute that two files have, alike, comes once."""
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
