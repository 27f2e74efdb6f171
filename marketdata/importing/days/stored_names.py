"""One security under one symbol: what a file calls BRK-B is stored as BRK.B where the store, or the run, has it so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.days.read_file import ReadFile
from marketdata.models import Instrument
from marketdata.symbols import caseless_key


class StoredNames:
    """The symbols of the store and of the files that a run has read, by what they mean."""

    def __init__(self) -> None:
        self._alike: defaultdict[str, list[str]] = defaultdict(list)
        self._is_read = False

    def given_to(self, file: ReadFile) -> ReadFile:
        """The file with the symbols that are there already for its own, which are noted.

        Raises UnreadableFile where two of its symbols mean the same.
        """
        found = {name: self._name(name) for name in sorted({day.symbol for day in file.parts.days})}
        _refuse_two(found, file.path)
        others = {name: known for name, known in found.items() if name != known}
        if not others:
            return file
        days = [replace(day, symbol=found[day.symbol]) for day in file.parts.days]
        said = (f"{name} is stored as {known}, as the security is called already" for name, known in others.items())
        decision = replace(file.decision, notes=(*file.decision.notes, *said))
        return replace(file, parts=replace(file.parts, days=days), decision=decision)

    def _name(self, symbol: str) -> str:
        if not self._is_read:
            self._add(Instrument.objects.values_list("symbol", flat=True))
            self._is_read = True
        known = self._alike[caseless_key(symbol)]
        if symbol in known:
            return symbol
        if len(known) == 1:
            return known[0]
        self._add([symbol])
        return symbol

    def _add(self, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            self._alike[caseless_key(symbol)].append(symbol)


def _refuse_two(found: dict[str, str], path: Path) -> None:
    first: dict[str, str] = {}
    for name, known in found.items():
        if (other := first.setdefault(known, name)) != name:
            raise UnreadableFile(
                f"{path}: {other} and {name} are two names of one security, stored as {known}: give its rows one "
                "name, or import each by itself (--only)."
            )
