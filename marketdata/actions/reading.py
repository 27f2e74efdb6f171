"""Files of corporate actions: which form a file is in, and what it says. What is not understood is refused by name."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from marketdata.actions import forms
from marketdata.actions.parts import ActionFile, NotActions, Row

log = logging.getLogger(__name__)
ReadRows = Callable[[Sequence[Row], str, str], ActionFile]
FORMS: tuple[tuple[set[str], str, ReadRows], ...] = (
    ({"symbol", "ex_date", "kind", "value"}, "CSV", forms.plain),
    ({"date", "dividends", "stock_splits"}, "yfinance", forms.yfinance),
)


def read_actions(path: Path, symbol: str = "") -> ActionFile:
    """`symbol`: of a file that does not name one; else the word that its name begins with. Raises NotActions."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise NotActions(f"{path}: it cannot be read as text: {error}") from None
    named = symbol or path.name.split(".")[0].split("_")[0].upper()
    try:
        if text.lstrip().startswith(("{", "[")):
            return forms.alpaca(text, path)
        return _of_lines(text, path, named)
    except NotActions:
        raise
    except (InvalidOperation, ValueError, KeyError) as error:
        raise NotActions(f"{path}: {_reason(error)}") from None
    except Exception as error:  # what goes wrong with one file is its refusal, and not the end of the run
        log.exception("%s cannot be read", path)
        raise NotActions(f"{path}: it cannot be read: {type(error).__name__}: {error}") from error


def _of_lines(text: str, path: Path, symbol: str) -> ActionFile:
    lines = [line for line in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in line)]
    if not lines:
        raise NotActions(f"{path}: it is empty.")
    first = lines[0]
    if first[0].strip().isdigit() and len(first[0].strip()) == 8:
        source = "LEAN " + ("factor file" if _is_number(first[1]) else "map file")
        read = forms.lean_factors if _is_number(first[1]) else forms.lean_map
        return ActionFile(source, read(lines, symbol, f"{source} {path.name}"))
    head = [_folded(cell) for cell in first]
    rows = [dict(zip(head, (cell.strip() for cell in line), strict=False)) for line in lines[1:]]
    for columns, name, form in FORMS:
        if columns <= set(head):
            return form(rows, symbol, f"{name} {path.name}")
    known = "; ".join(", ".join(sorted(columns)) for columns, _, _ in FORMS)
    raise NotActions(f"{path}: its columns {', '.join(first)} are no form of actions. Known are {known}; LEAN; Alpaca.")


def _folded(cell: str) -> str:
    return cell.strip().lower().replace(" ", "_").replace("-", "_")


def _is_number(cell: str) -> bool:
    try:
        return Decimal(cell.strip()).is_finite()
    except InvalidOperation:
        return False


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"a row has no {error.args[0]!r}"
    if isinstance(error, InvalidOperation):
        return "a value is not a number"
    return str(error)
