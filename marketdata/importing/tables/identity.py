"""Columns that say which security a row is of, under names that are not `symbol`: several are never read as one."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from marketdata.importing.base.decision import named
from marketdata.importing.base.file_form import FileForm
from marketdata.importing.base.refusals import Doubt
from marketdata.importing.base.spellings import fold
from marketdata.importing.dialects.dialect import words

NAMES = words(
    "name stock ric #ric instr isin security conid con_id permno contract asset figi cusip sedol instrument_id secid "
    "instrument_code instrument_token tradingsymbol trading_symbol security_code security_id scrip raw_symbol ts_code "
    "symbol_name share stock_code stock_symbol ticker_symbol pair company wkn epic asset_id market_id"
)
TICKER = re.compile(r"[A-Z0-9^][A-Z0-9.\-=/^]{0,14}")
STATUS = {"ok", "no_data"}
"""What Finnhub says in a column s."""


def with_symbol(frame: pd.DataFrame, mapped: dict[str, str], form: FileForm, path: Path) -> dict[str, str]:
    """The mapping with the column of symbols, where only its values say that it is one.

    Raises Doubt where a column says that rows are of several securities, and nothing says which symbols they have.
    """
    symbol = mapped.get("symbol", "")
    if symbol and fold(symbol) == "s" and set(frame[symbol].dropna().astype(str).str.lower()) <= STATUS:
        mapped = {name: theirs for name, theirs in mapped.items() if name != "symbol"}
        symbol = ""
    if symbol and not form.symbol:
        return mapped
    taken = set(mapped.values())
    columns = [symbol] if symbol else [n for n in map(str, frame.columns) if fold(n) in NAMES and n not in taken]
    for column in columns:
        found = _several(frame[column])
        if len(found) < 2:
            continue
        if form.symbol:
            raise _several_doubt(path, column, found, f"--symbol says that all rows are of {form.symbol}")
        if not symbol and all(TICKER.fullmatch(value) for value in found) and not _is_number(frame[column]):
            return mapped | {"symbol": column}
        if not symbol:
            raise _several_doubt(path, column, found, "it has no column of symbols")
    return mapped


def _is_number(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column))


def _several(column: pd.Series) -> list[str]:
    """The values that there are."""
    if not _is_number(column):
        column = column.astype("object")
    texts = (str(value).strip() for value in column.dropna().unique())
    return sorted({text for text in texts if text})


def _several_doubt(path: Path, column: str, found: list[str], why: str) -> Doubt:
    return Doubt(
        f"{path}: column {column} has {len(found)} values ({named(found)}), as if its rows were of as many securities, "
        f"and {why}",
        f"pass --columns symbol={column}, or import each with --only {column}={found[0]} and --symbol",
        option="only",
        choices=tuple(f"{column}={value}" for value in found[:9]),
    )
