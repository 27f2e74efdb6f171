"""Files with a column for each symbol and field, as yfinance and spreadsheets write them, made long."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.importing.refusals import UnreadableFile
from marketdata.importing.sheets import Sheet
from marketdata.importing.spellings import PRICES as PRICES_OF
from marketdata.importing.spellings import QUOTE_COLUMNS, TIME, fold
from marketdata.kinds import DayKind
from marketdata.symbols import clean_symbol

FIELD = r"open|high|low|adj[ _]close|close|volume|vwap|trade[ _]count"
BETWEEN = r"[\s_.:|/,\-]+"
AFTER = re.compile(rf"(?P<symbol>.+?){BETWEEN}(?P<field>{FIELD})", re.IGNORECASE)
BEFORE = re.compile(rf"(?P<field>{FIELD}){BETWEEN}(?P<symbol>.+)", re.IGNORECASE)
PRICES = PRICES_OF[DayKind.BARS]
Cells = Mapping[str, tuple[str, str]]


def wide_cells(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Column → (field, symbol) for names such as AAPL_open, Open AAPL or ('Close', 'AAPL')."""
    found = {}
    for name in names:
        plain = re.sub(r"[()'\"]", "", name).strip()
        match = BEFORE.fullmatch(plain) or AFTER.fullmatch(plain)
        if match:
            found[name] = match["field"], match["symbol"]
    return found


def is_wide(names: Sequence[str], cells: Cells) -> bool:
    """A stamp, no plain prices or quotes, and a symbol that has all four."""
    folded = {fold(name) for name in names}
    if set(PRICES) <= folded or folded & QUOTE_COLUMNS or not folded & set(TIME):
        return False
    fields: dict[str, set[str]] = {}
    for field, symbol in cells.values():
        fields.setdefault(symbol, set()).add(fold(field))
    return any(set(PRICES) <= held for held in fields.values())


def to_long(sheet: Sheet, cells: Cells, path: Path) -> Sheet:
    """One row per stamp and symbol; a symbol without any price at a stamp has no bar there, hence no row."""
    stamps = [name for name in sheet.frame.columns if fold(str(name)) in TIME]
    columns: dict[str, dict[str, str]] = {}
    for name, (field, symbol) in cells.items():
        columns.setdefault(clean_symbol(symbol), {})[name] = fold(field)
    parts, lines = [], []
    for symbol, names in columns.items():
        if not set(PRICES) <= set(names.values()):
            raise UnreadableFile(f"{path}: {symbol} has only {', '.join(names.values())} of {', '.join(PRICES)}.")
        part = sheet.frame[[*stamps, *names]].rename(columns=names)
        held = np.logical_or.reduce([_there(part[name]) for name in PRICES])
        parts.append(part[held].assign(symbol=symbol))
        lines.append(sheet.line[held])
    return replace(sheet, frame=pd.concat(parts, ignore_index=True), line=np.concatenate(lines))


def _there(column: pd.Series) -> np.ndarray:
    """Cells in which something stands."""
    found = column.notna().to_numpy()
    return found if pd.api.types.is_numeric_dtype(column) else found & (column.astype(str).str.strip() != "").to_numpy()
