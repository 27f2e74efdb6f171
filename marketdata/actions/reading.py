"""Files of corporate actions: which form a file is in, and what it says. What is not understood is refused by name."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from marketdata.actions.known import Action, Kind
from marketdata.calendar import NEW_YORK
from marketdata.errors import MarketDataError

Row = Mapping[str, str]


class NotActions(MarketDataError):
    """The file is in no form of corporate actions that is known, or says something impossible."""


@dataclass(slots=True)
class ActionFile:
    """What a file says; `skipped`: kinds of action that are not kept, with how often they are there."""

    form: str
    actions: list[Action] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)

    def skip(self, kind: str, count: int = 1) -> None:
        self.skipped[kind] = self.skipped.get(kind, 0) + count


def read_actions(path: Path, symbol: str = "") -> ActionFile:
    """`symbol`: of a file that does not name one; else the word that its name begins with. Raises NotActions."""
    from marketdata.actions import forms

    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise NotActions(f"{path}: it cannot be read as text: {error}") from None
    named = symbol or path.name.split(".")[0].split("_")[0].upper()
    try:
        if text.lstrip().startswith(("{", "[")):
            return forms.alpaca(text, path)
        return _of_lines(text, path, named, given=bool(symbol))
    except (InvalidOperation, ValueError, KeyError) as error:
        raise NotActions(f"{path}: {_reason(error)}") from None


def _of_lines(text: str, path: Path, symbol: str, *, given: bool) -> ActionFile:
    from marketdata.actions import forms

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
            read_rows: Callable[[Sequence[Row], str, str], ActionFile] = getattr(forms, form)
            return read_rows(rows, symbol, f"{name} {path.name}")
    known = "; ".join(", ".join(sorted(columns)) for columns, _, _ in FORMS)
    raise NotActions(f"{path}: its columns {', '.join(first)} are no form of actions. Known are {known}; LEAN; Alpaca.")


FORMS = (
    ({"symbol", "ex_date", "kind", "value"}, "CSV", "plain"),
    ({"date", "dividends", "stock_splits"}, "yfinance", "yfinance"),
)


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


def split(symbol: str, ex_date: str, ratio: Decimal, source: str, announced: str = "") -> Action:
    """Raises ValueError for a ratio that is none."""
    if not ratio.is_finite() or ratio <= 0:
        raise ValueError(
            f"{symbol} {ex_date}: a split of {ratio} is impossible: give new shares for an old one, e.g. 7:1"
        )
    return Action(symbol, Kind.SPLIT, date_of(ex_date), ratio=ratio, source=source, announced_at=moment_of(announced))


def dividend(
    symbol: str, ex_date: str, amount: Decimal, source: str, announced: str = "", *, special: bool = False
) -> Action:
    if not amount.is_finite() or amount <= 0:
        raise ValueError(f"{symbol} {ex_date}: a dividend of {amount} is impossible: give cash a share")
    return Action(
        symbol,
        Kind.DIVIDEND,
        date_of(ex_date),
        amount=amount,
        special=special,
        source=source,
        announced_at=moment_of(announced),
    )


def symbol_change(symbol: str, ex_date: str, new: str, source: str) -> Action:
    if not new or new == symbol:
        raise ValueError(f"{symbol} {ex_date}: a change of symbol to {new!r} is none")
    return Action(symbol, Kind.SYMBOL_CHANGE, date_of(ex_date), new_symbol=new, source=source)


def ratio_of(text: str) -> Decimal:
    """`7:1`, `7/1`, `7 for 1` or `7`: new shares for an old one."""
    new, _, old = text.lower().replace(" for ", ":").replace("/", ":").partition(":")
    return Decimal(new.strip()) / Decimal(old.strip() or "1")


def date_of(text: str) -> dt.date:
    """A date, or the date of a stamp as it is written: vendors stamp ex dates at their exchange's midnight."""
    text = text.strip()
    if len(text) == 8 and text.isdigit():
        return dt.datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        raise ValueError(f"{text!r} is not a date: give YYYY-MM-DD") from None


def moment_of(text: str) -> dt.datetime | None:
    """A moment with its zone; of a date alone its end in New York, before which it may not be counted as known."""
    if not text.strip():
        return None
    if len(text.strip()) == 10:
        end = dt.datetime.combine(date_of(text) + dt.timedelta(days=1), dt.time(), NEW_YORK)
        return end.astimezone(dt.UTC)
    found = dt.datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    if found.tzinfo is None:
        raise ValueError(f"{text!r} has no zone: write 2014-04-23T20:30:00Z")
    return found.astimezone(dt.UTC)
