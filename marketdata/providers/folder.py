"""A folder of market data: which of its files may hold a symbol, and which dates their names allow for."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from pathlib import Path

from marketdata.errors import MarketDataError, ProviderFailed
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import Doubt, UnreadableFile
from marketdata.importing.days.claims import first_difference
from marketdata.importing.days.splitting import SymbolDay
from marketdata.importing.files.finding import find_files
from marketdata.importing.tables.naming import symbol_from_path
from marketdata.symbols import caseless_key

DATE = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?!\d)")
SYMBOL = re.compile(r"[A-Z][A-Z.\-]{0,9}")
MOST_NAMES = 65_536
"""All files of a folder are looked through for every question: what their names say is found once."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of provider `name` under `root`, looked up anew for every question."""

    name: str
    root: Path

    def __post_init__(self) -> None:
        if not self.root.is_dir():
            raise MarketDataError(f"Provider {self.name}: its root {self.root} is no folder.")

    def of(self, symbols: Sequence[str]) -> dict[str, list[Path]]:
        """Symbol → the files that may hold it, by path: those of its own, in any spelling, and those of nobody."""
        owned: defaultdict[str, list[Path]] = defaultdict(list)
        for path in self._files():
            owned[caseless_key(self.owner(path))].append(path)
        return {symbol: sorted([*owned[caseless_key(symbol)], *owned[""]]) for symbol in symbols}

    def has_shared(self) -> bool:
        """Whether a file may hold many symbols."""
        return not all(map(self.owner, self._files()))

    def owner(self, path: Path) -> str:
        """The symbol that a file's name or its folder's name says; empty where neither says one."""
        return _named(path) or (path.parent.name if self._is_symbols(path.parent) else "")

    def form_of(self, path: Path, form: FileForm) -> FileForm:
        """Where only the folder says the symbol, it is given; else the importer finds it."""
        return form if _named(path) or not self._is_symbols(path.parent) else replace(form, symbol=path.parent.name)

    def _files(self) -> list[Path]:
        try:
            return find_files([self.root])
        except UnreadableFile as error:
            raise ProviderFailed(f"{self.name}: {error}") from None

    def _is_symbols(self, folder: Path) -> bool:
        return folder != self.root and bool(SYMBOL.fullmatch(folder.name))


def covers(path: Path, date: dt.date) -> bool:
    """Whether the dates in a file's name, first and last, allow for this one."""
    found = sorted(_dates(path.name))
    return not found or found[0] <= date <= found[-1]


def refuse_contradictions(provider: str, found: Iterable[tuple[Path, SymbolDay]]) -> None:
    """Raises ProviderFailed where two files say other things of the same time, as an import refuses them."""
    by_day: defaultdict[tuple[dt.date, str], list[tuple[Path, SymbolDay]]] = defaultdict(list)
    for path, day in found:
        by_day[day.date, day.scope].append((path, day))
    for files in by_day.values():
        for (path, day), (other, again) in combinations(files, 2):
            if clash := first_difference(day.rows, again.rows):
                raise ProviderFailed(
                    f"{provider}: {path} and {other} do not say the same of {day.symbol} on {day.date} "
                    f"({clash[1]}; {clash[2]}): leave one of them in the folder, or where they are of two symbols "
                    "let their names say which."
                )


@lru_cache(maxsize=MOST_NAMES)
def _named(path: Path) -> str:
    """The symbol that a file's name says, or a partition's; empty where it says none, or in small letters a word."""
    try:
        symbol = symbol_from_path(path).value
    except Doubt:
        return ""
    return symbol if symbol in str(path) else ""


def _dates(name: str) -> Iterator[dt.date]:
    for match in DATE.finditer(name):
        try:
            yield dt.date(*map(int, match.groups()))
        except ValueError:
            continue
