"""Files in which trades and quotes stand in rows of one table, and a column says which a row is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from marketdata.importing.base.refusals import NoRows
from marketdata.importing.base.sheets import Sheet
from marketdata.importing.base.spellings import fold
from marketdata.kinds import DayKind

COLUMNS = ("type", "eventtype", "event_type", "tick_type", "ticktype", "record_type", "msg_type", "event")
TRADES = ("TRADE", "TRADE NB", "TRADES", "LAST", "T")
QUOTES = ("QUOTE", "BID", "ASK", "BEST_BID", "BEST_ASK", "BESTBID", "BESTASK", "OFFER", "Q")

CANCELLED = r"(?:TRADE[ _])?(?:CANCEL|BUST)(?:L?ED)?"
STATES = (*COLUMNS, "trade_type", "status", "trade_status", "action", "state", "update_type", "tradetype")


def cancelled(sheet: Sheet) -> tuple[Sheet, np.ndarray]:
    """Which rows a column of types or states calls cancelled, and the sheet with a note that says so."""
    found = np.zeros(len(sheet.frame), dtype=bool)
    for name in [name for name in map(str, sheet.frame.columns) if fold(name) in STATES]:
        texts = sheet.frame[name].astype(str).str.strip().str.upper()
        rows = texts.str.fullmatch(CANCELLED).fillna(False).to_numpy(dtype=bool)
        if rows.any():
            note = f"{int(rows.sum()):,} trades are marked as corrected: {name} says that they were cancelled"
            sheet = replace(sheet, used=sheet.used | {name}).noted(note)
            found |= rows
    return sheet, found


def only_trades(sheet: Sheet, kind: str, path: Path) -> Sheet:
    """The rows of trades where the others are of quotes; a table without such a column as it is. Raises NoRows."""
    names = [name for name in map(str, sheet.frame.columns) if fold(name) in COLUMNS]
    for name in names if kind == DayKind.TRADES else ():
        texts = sheet.frame[name].astype(str).str.strip().str.upper()
        known = texts.unique()
        if not any(text in QUOTES or text.startswith(("QUOTE ", "TRADE CANCEL")) for text in known):
            continue
        rows = texts.isin(TRADES).to_numpy()
        if not rows.any():
            raise NoRows(f"{path}: holds no trades: column {name} says {', '.join(map(str, known[:6]))}.")
        kept = replace(sheet.take(rows), used=sheet.used | {name})
        return kept.noted(f"{int((~rows).sum()):,} rows that are no trades, as {name} says, are left out")
    return sheet
