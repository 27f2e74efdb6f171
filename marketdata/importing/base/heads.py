"""The first lines of a text: its delimiter, whether it has a head line, and what the columns are called."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.base.spellings import SPELLINGS, fold

DELIMITERS = ",;\t|"
SAMPLE_LINES = 24
MOST_PREAMBLE = 12
NUMBER = re.compile(r"\s*[+-]?\d+(?:[.,]\d*)?(?:[eE][+-]?\d+)?\s*")
DATE = re.compile(r"\d{8}|\d{1,4}[/.\-]\d{1,2}[/.\-]\d{1,4}")
CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?|\d{3,6}")
STAMP = re.compile(r"\d{8} \d{6}(?: \d{3,7})?|\d{4}-\d\d-\d\d[ T]\d\d:\d\d.*")
VALUES = ("open", "high", "low", "close", "volume", "trade_count")
LEVELS = {"price", "ticker", ""}
WORDS = frozenset(word for kind in SPELLINGS.values() for words in kind.values() for word in words)


@dataclass(frozen=True)
class Head:
    """`names`: of the columns, as they stand; empty without a head line. `rows`: the first rows' cells.

    `skip`: lines before the rows. `cells`: name → (field, symbol) in a file that is wide by two head lines.
    """

    path: Path
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    delimiter: str = ""
    skip: int = 0
    cells: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    above: tuple[str, ...] = ()
    """Lines of prose above the table."""

    @cached_property
    def folded(self) -> frozenset[str]:
        return frozenset(fold(name) for name in self.names)

    @property
    def first(self) -> tuple[str, ...]:
        return self.rows[0] if self.rows else ()


def head_of(text: str, path: Path, form: FileForm) -> Head:
    """Raises UnreadableFile for an empty text."""
    lines = text.split("\n")[:SAMPLE_LINES]
    lines = [line.rstrip("\r") for line in lines]
    if not any(line.strip() for line in lines):
        raise UnreadableFile(f"{path}: cannot be read: it is empty.")
    skip = _preamble(lines, form)
    return replace(_table_head(path, lines[skip:], form, skip), above=tuple(lines[:skip]))


def _table_head(path: Path, lines: list[str], form: FileForm, skip: int) -> Head:
    delimiter = form.delimiter or max(DELIMITERS, key=lines[0].count)
    rows = [tuple(cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])) for line in lines]
    if form.header:
        more = (f"column {i}" for i in range(len(form.header), len(rows[0])))
        return Head(path, (*form.header, *more)[: len(rows[0])], tuple(rows), delimiter, skip)
    if is_data(rows[0]):
        return Head(path, (), tuple(row for row in rows if any(row)), delimiter, skip)
    if len(rows) > 1 and rows[1] and {rows[0][0].lower(), rows[1][0].lower()} <= LEVELS:
        return _two_levels(path, delimiter, rows, skip)
    rest = tuple(row for row in rows[1:] if any(row))
    return Head(path, _unique(_as_long_as_the_rows(rows[0], rest)), rest, delimiter, skip + 1)


def _as_long_as_the_rows(names: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """A delimiter at the end of every row, or of the head alone, makes a column that is none."""
    widths = {len(row) for row in rows[:-1] or rows}
    if widths == {len(names) + 1} and not any(row[-1] for row in rows[:-1] or rows):
        return (*names, "")
    return names[:-1] if widths == {len(names) - 1} and not names[-1] else names


def is_data(cells: tuple[str, ...]) -> bool:
    """A row of values and not of names: files without a head line."""
    numbers = sum(bool(NUMBER.fullmatch(cell)) for cell in cells)
    stamped = any(DATE.fullmatch(cell) or STAMP.fullmatch(cell) for cell in cells[:2])
    return numbers >= 4 or (stamped and numbers >= 2) or 1 < numbers == len(cells)


def positions(cells: tuple[str, ...]) -> tuple[str, ...]:
    """Names by place: [symbol] date [time] open high low close [volume [trade_count]]."""
    names = []
    if re.match(r"[A-Za-z]", cells[0]):
        names.append("symbol")
    stamp = cells[len(names)]
    if DATE.fullmatch(stamp) and not re.fullmatch(r"\d{9,}", stamp):
        after = cells[len(names) + 1] if len(cells) > len(names) + 1 else ""
        names += ["date", "time"] if CLOCK.fullmatch(after) else ["date"]
    else:
        names.append("timestamp")
    names += VALUES[: len(cells) - len(names)]
    return (*names, *(f"column {i}" for i in range(len(names), len(cells))))


def _preamble(lines: list[str], form: FileForm) -> int:
    """Lines of prose before the table: up to the first one that is a head or a row, where the first line is none."""
    if form.header or _opens(lines[0]) or not any(map(_opens, lines[:MOST_PREAMBLE])):
        return 0
    place = next(place for place, line in enumerate(lines) if _opens(line))
    delimiter = form.delimiter or max(DELIMITERS, key=lines[place].count)
    before = lines[place - 1].count(delimiter)
    # As many columns as the rows below it: a head whose names are unknown, not prose.
    return place - 1 if before and before == lines[place].count(delimiter) else place


def _opens(line: str) -> bool:
    cells = tuple(cell.strip().strip('"') for cell in re.split(rf"[{DELIMITERS}]", line))
    return is_data(cells) or sum(fold(cell) in WORDS for cell in cells) >= 3 or cells[0].lower() in LEVELS - {""}


def _two_levels(path: Path, delimiter: str, rows: list[tuple[str, ...]], skip: int) -> Head:
    """A head of two lines, fields and symbols in either order, and mostly a third that names the stamp."""
    first, second = rows[:2]
    fields, symbols = (first, second) if any(fold(cell) in ("open", "close") for cell in first) else (second, first)
    third = rows[2] if len(rows) > 2 else ()
    named = bool(third) and not any(third[1:]) and not NUMBER.fullmatch(third[0]) and not re.match(r"\d", third[0])
    names = ("timestamp", *(f"{a} {b}" for a, b in zip(fields[1:], symbols[1:], strict=True)))
    cells = {name: (a, b) for name, a, b in zip(names[1:], fields[1:], symbols[1:], strict=True)}
    return Head(path, names, tuple(rows[3 if named else 2 :]), delimiter, skip + (3 if named else 2), cells)


def _unique(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names as they are; an unnamed column gets its place, a repeated one too."""
    seen: dict[str, None] = {}
    for place, name in enumerate(names):
        seen[name if name and name not in seen else f"column {place}"] = None
    return tuple(seen)
