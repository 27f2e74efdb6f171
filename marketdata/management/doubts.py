"""A file that can be read in two ways, and a person at the terminal who knows which is right."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from marketdata.importing import mappings
from marketdata.importing.base.file_form import demanded
from marketdata.importing.base.refusals import Doubt
from marketdata.importing.base.zones import parse_zone
from marketdata.importing.files.preview import first_rows
from marketdata.importing.run import ImportRun, ToRead
from marketdata.symbols import SYMBOL_FORM, is_symbol

OF_ONE_FILE = ("symbol",)
"""Answers that hold for their file alone."""


def at_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


class Asker:
    """Asks on the terminal; what is answered holds for the files that follow, where the person says so."""

    def __init__(self) -> None:
        self._given: dict[str, Any] = {}
        self._to_keep: dict[str, Any] = {}

    def read(self, run: ImportRun, one: ToRead) -> None:
        """Read the file into the run, and ask what it leaves open. Raises MarketDataError."""
        one = one._replace(form=replace(one.form, **self._given))
        while True:
            try:
                run.read(*one)
            except Doubt as doubt:
                answer = self._settle(one.path, doubt)
                if answer is None:
                    raise
                one = one._replace(form=replace(one.form, **answer))
            else:
                return

    def _settle(self, path: Path, doubt: Doubt) -> dict[str, Any] | None:
        """What the person says; None where they leave the file out."""
        print(f"\n{doubt}")
        for line in first_rows(path):
            print(f"    {line}")
        answer = self._ask(doubt)
        if answer is None:
            return None
        given = {doubt.option.replace("-", "_"): answer}
        if doubt.option not in OF_ONE_FILE:
            self._to_keep |= given
            if _yes("Also for the files that follow?"):
                self._given |= given
        return given

    def _ask(self, doubt: Doubt) -> Any | None:
        for number, choice in enumerate(doubt.choices, start=1):
            print(f"  {number}  {choice}")
        other = "a number, or another value" if doubt.choices else "a value"
        while True:
            text = input(f"{doubt.option}: {other}; empty leaves the file out: ").strip()
            if not text:
                return None
            if text.isdecimal() and 1 <= int(text) <= len(doubt.choices):
                text = doubt.choices[int(text) - 1]
            try:
                return PARSERS.get(doubt.option, str)(text)
            except ValueError as error:
                print(f"  {error}")

    def keep(self) -> None:
        """Offer to keep the answers as a mapping."""
        options = mappings.options_of(self._to_keep)
        if not options:
            return
        shown = ", ".join(f"{name} {value}" for name, value in options.items())
        while name := input(f"Keep {shown} under a name, for --mapping? The name; empty: no: ").strip():
            try:
                mappings.keep(name, options)
            except mappings.BadMapping as error:
                print(f"  {error}")
            else:
                print(f"Kept: --mapping {name}")
                return


def _yes(question: str) -> bool:
    return input(f"{question} [Y/n] ").strip().lower() in ("", "y", "yes")


def _zone(text: str) -> str:
    parse_zone(text)
    return text


def _symbol(text: str) -> str:
    if not is_symbol(text):
        raise ValueError(f"{text!r} is not a symbol: {SYMBOL_FORM}")
    return text


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not 0 < scale < float("inf"):
        raise ValueError(f"{text!r} is not a number above 0")
    return scale


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"{text!r} is not {' or '.join(words)}")
        return text

    return parse


def _yes_only(text: str) -> bool:
    if text.lower() not in ("y", "yes"):
        raise ValueError(f"{text!r} is not yes")
    return True


PARSERS: dict[str, Callable[[str], Any]] = {
    "tz": _zone,
    "label": _one_of("start", "end"),
    "date-order": _one_of("mdy", "dmy", "ymd"),
    "decimal": _one_of(".", ","),
    "symbol": _symbol,
    "scale": _scale,
    "only": demanded,
    "as-is": _yes_only,
}
