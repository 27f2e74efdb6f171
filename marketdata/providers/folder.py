"""A folder of market data: which of its files may hold a symbol, and which dates their names allow for."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from marketdata.errors import MarketDataError, ProviderFailed
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.files.finding import find_files

DATE = re.compile(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?!\d)")
SYMBOL = re.compile(r"[A-Z][A-Z.\-]{0,9}")


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of provider `name` under `root`, looked up anew for every question."""

    name: str
    root: Path

    def __post_init__(self) -> None:
        if not self.root.is_dir():
            raise MarketDataError(f"Provider {self.name}: its root {self.root} is no folder.")

    def of(self, symbols: Sequence[str]) -> dict[str, list[Path]]:
        """Symbol → the files that may hold it, by path: those of its own, and those of nobody by name."""
        found = self._files()
        owned: dict[str, list[Path]] = {}
        for path in found:
            owned.setdefault(self.owner(path), []).append(path)
        return {symbol: sorted([*owned.get(symbol, ()), *owned.get("", ())]) for symbol in symbols}

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


def _named(path: Path) -> str:
    """The symbol that a file's name begins with; empty where it begins with a date or a word."""
    first = re.split(r"[_.]", path.name)[0] if "_" in path.name else path.name.removesuffix(".gz").rsplit(".", 1)[0]
    return first if SYMBOL.fullmatch(first) else ""


def _dates(name: str) -> Iterator[dt.date]:
    for match in DATE.finditer(name):
        try:
            yield dt.date(*map(int, match.groups()))
        except ValueError:
            continue
