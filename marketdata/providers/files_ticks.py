"""Trades and quotes of a folder's files, with the importer's own reading."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, reduce
from pathlib import Path

import numpy as np

from marketdata.calendar import session_date_of, trading_day
from marketdata.columns import TickColumns, no_ticks
from marketdata.errors import ProviderFailed, UnknownSymbol
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import NotTicks, UnreadableFile
from marketdata.importing.days.splitting import Split, SymbolDay
from marketdata.importing.days.tick_splitting import split_ticks
from marketdata.importing.files.finding import SUFFIXES
from marketdata.importing.tables.tick_reading import read_ticks
from marketdata.importing.writing.tick_writing import completed
from marketdata.kinds import DayKind
from marketdata.models import Scope
from marketdata.providers.base import BadRow, NoDataExists
from marketdata.providers.folder import Folder, covers, refuse_contradictions
from marketdata.providers.tick_fetching import TickRows, TicksAnswer
from marketdata.symbols import caseless_key
from marketdata.units import SECOND_NS

KEPT_FILES = 2


class TickFiles:
    """Events that were recorded go before those made from quote bars."""

    def __init__(self, folder: Folder, forms: Mapping[DayKind, FileForm]) -> None:
        self.folder, self.forms = folder, forms
        self._split = lru_cache(maxsize=KEPT_FILES)(self._split_file)

    def fetch(self, kind: DayKind, symbol: str, start: dt.datetime, end: dt.datetime) -> TicksAnswer:
        """Events with start ≤ stamp < end of the session that `start` is in."""
        files = self.folder.of([symbol])[symbol]
        if not files:
            raise UnknownSymbol(f"No file under {self.folder.root} is of {symbol}.")
        day, key = trading_day(session_date_of(start)), caseless_key(symbol)
        found: list[tuple[Path, SymbolDay]] = []
        bad: list[BadRow] = []
        for path in (path for path in files if path.name.endswith(SUFFIXES) and covers(path, day.date)):
            parts = self._parts(path, kind)
            mine = (part for part in parts.days if (caseless_key(part.symbol), part.date) == (key, day.date))
            found += [(path, part) for part in mine if part.scope == Scope.REGULAR]
            bad += list(_bad(path, parts, key))
        recorded = [(path, part) for path, part in found if not part.ticks.derived]
        refuse_contradictions(self.folder.name, recorded or found)
        rows = _merged([part.ticks for _, part in recorded or found]) or (no_ticks(kind) if bad else None)
        if rows is None:
            return NoDataExists(f"no file under {self.folder.root} has {kind.label} of it then")
        at = rows.at + round(day.open.timestamp()) * SECOND_NS
        low, high = np.searchsorted(at, [round(moment.timestamp()) * SECOND_NS for moment in (start, end)])
        return TickRows(replace(rows, at=at).take(slice(int(low), int(high))), bad)

    def _parts(self, path: Path, kind: DayKind) -> Split:
        try:
            seen = path.stat()
            return self._split(path, kind, seen.st_mtime_ns, seen.st_size)
        except (UnreadableFile, OSError) as error:
            raise ProviderFailed(f"{self.folder.name}: {error}") from None

    def _split_file(self, path: Path, kind: DayKind, changed: int, size: int) -> Split:
        """`changed` and `size` make another file of one that was written again."""
        try:
            return split_ticks(read_ticks(path, self.folder.form_of(path, self.forms[kind]), kind))
        except NotTicks:  # bars, say, or quotes beside the trades
            return Split()


def _merged(found: Sequence[TickColumns]) -> TickColumns | None:
    """The files' rows together: a later file completes the ones before, as an import of them would."""
    return reduce(completed, found) if found else None


def _bad(path: Path, parts: Split, key: str) -> Iterator[BadRow]:
    mine = (row for row in parts.rejected if caseless_key(row.symbol) == key)
    return (BadRow(str(path), row.line, row.reason, row.raw) for row in mine)
