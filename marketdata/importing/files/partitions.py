"""Folders of a partitioned data set, symbol=AAPL/date=2025-07-02: what they say of the files within."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

DATE_KEYS = ("date", "dt", "day", "trade_date", "session_date")
SYMBOL_KEYS = ("symbol", "ticker", "sym", "instrument", "instrument_id")


def partition_keys(path: Path) -> dict[str, str]:
    """Key → value of the folders above a file, small letters in the keys."""
    pairs = (part.partition("=") for part in path.parts[:-1])
    return {key.lower(): value for key, sign, value in pairs if sign and key and value}


def partition_symbol(path: Path) -> str:
    """The symbol that a folder names; empty where none does."""
    keys = partition_keys(path)
    return next((keys[key] for key in SYMBOL_KEYS if key in keys), "")


def partition_date(path: Path) -> dt.date | None:
    """The date that a folder names; None where none does."""
    keys = partition_keys(path)
    text = next((keys[key] for key in DATE_KEYS if key in keys), "")
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def above_partitions(path: Path) -> Path:
    """The folder that holds the data set."""
    folder = path.parent
    while "=" in folder.name:
        folder = folder.parent
    return folder
