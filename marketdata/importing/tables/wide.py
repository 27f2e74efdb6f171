"""Files with a column for each symbol and field, as yfinance and spreadsheets write them, made long."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.base.sheets import Sheet
from marketdata.importing.base.spellings import PRICES as PRICES_OF
from marketdata.importing.base.spellings import QUOTE_COLUMNS, SPELLINGS, TIME, fold
from marketdata.importing.stamps.time_columns import time_column
from marketdata.kinds import DayKind
from marketdata.symbols import clean_symbol

FIELD = r"open|high|low|adj[ _]close|close|volume|vwap|trade[ _]count|dividends|stock[ _]splits|capital[ _]gains"
BETWEEN = r"[\s_.:|/,\-]+"
AFTER = re.compile(rf"(?P<symbol>.+?){BETWEEN}(?P<field>{FIELD})", re.IGNORECASE)
BEFORE = re.compile(rf"(?P<field>{FIELD}){BETWEEN}(?P<symbol>.+)", re.IGNORECASE)
PRICES = PRICES_OF[DayKind.BARS]
NO_SYMBOLS = frozenset(
    [
        *(
            "price",
            "prices",
            "px",
            "usd",
            "eur",
            "gbp",
            "jpy",
            "chf",
            "cad",
            "aud",
            "hkd",
            "inr",
            "cny",
            "usdt",
            "$",
            "€",
        ),
        *("bid", "ask", "mid", "trade", "trades", "last", "value", "shares", "traded", "lots", "contracts", "units"),
        *("raw", "adj", "adjusted", "unadjusted", "split", "day", "bar", "time", "date", "rth", "eth", "pre", "post"),
    ]
)
"""What stands beside a field's name and is no security."""
OWN_SYMBOL = {"symbol", "ticker", "sym"}
MOST_LEFT_OUT = 12
Cells = Mapping[str, tuple[str, str]]


def wide_cells(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Column → (field, symbol) for names such as AAPL_open, Open AAPL or ('Close', 'AAPL')."""
    found = {}
    for name in names:
        plain = re.sub(r"[()'\"]", "", name).strip()
        match = BEFORE.fullmatch(plain) or AFTER.fullmatch(plain)
        if match:
            found[name] = match["field"], match["symbol"]
    return {} if {symbol.lower() for _, symbol in found.values()} <= NO_SYMBOLS else found


def is_wide(names: Sequence[str], cells: Cells) -> bool:
    """A stamp, no plain prices or quotes, and a symbol that has all four."""
    folded = {fold(name) for name in names}
    if set(PRICES) <= folded or folded & (QUOTE_COLUMNS | OWN_SYMBOL) or not (folded & set(TIME) or time_column(names)):
        return False
    fields: dict[str, set[str]] = {}
    for field, symbol in cells.values():
        fields.setdefault(symbol, set()).add(fold(field))
    return any(set(PRICES) <= held for held in fields.values())


def to_long(sheet: Sheet, cells: Cells, path: Path) -> Sheet:
    """One row per stamp and symbol; a symbol without any price at a stamp has no bar there, hence no row."""
    named = [str(name) for name in sheet.frame.columns]
    stamps = [name for name in named if fold(name) in TIME] or [time_column(named)]
    columns: dict[str, dict[str, str]] = {}
    for name, (field, symbol) in cells.items():
        if fold(field) in SPELLINGS[DayKind.BARS]:
            columns.setdefault(clean_symbol(symbol), {})[name] = fold(field)
    parts, lines = [], []
    for symbol, names in columns.items():
        if not set(PRICES) <= set(names.values()):
            raise UnreadableFile(f"{path}: {symbol} has only {', '.join(names.values())} of {', '.join(PRICES)}.")
        if len(set(names.values())) < len(names):
            twice = ", ".join(sorted({cells[name][1] for name in names}))
            raise UnreadableFile(
                f"{path}: {twice}: {symbol} has a column more than once: say which with --columns open=…,close=…, or "
                "take the other columns out."
            )
        part = sheet.frame[[*stamps, *names]].rename(columns=names)
        held = np.logical_or.reduce([_there(part[name]) for name in PRICES])
        parts.append(part[held].assign(symbol=symbol))
        lines.append(sheet.line[held])
    taken = {*stamps, *(name for names in columns.values() for name in names)}
    left_out = _left_out([name for name in named if name not in taken], cells)
    frame = pd.concat(parts, ignore_index=True)
    return replace(sheet, frame=frame, line=np.concatenate(lines), left_out=left_out)


def _left_out(names: Sequence[str], cells: Cells) -> tuple[str, ...]:
    """Columns from which nothing is taken; of a field that each symbol has only the field."""
    shown = list(dict.fromkeys(cells[name][0] if name in cells else name for name in names))
    more = (f"{len(shown) - MOST_LEFT_OUT} more",) if len(shown) > MOST_LEFT_OUT else ()
    return (*shown[:MOST_LEFT_OUT], *more)


def _there(column: pd.Series) -> np.ndarray:
    """Cells in which something stands."""
    found = column.notna().to_numpy()
    return found if pd.api.types.is_numeric_dtype(column) else found & (column.astype(str).str.strip() != "").to_numpy()
