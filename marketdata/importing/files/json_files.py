"""Vendors' answers kept as JSON, one document or a line each: lists of bars, trades or quotes, and what is around."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from marketdata.importing.base.refusals import OtherKind, UnreadableFile
from marketdata.importing.base.sheets import BadLine, Sheet, Text, numbered

LISTS = ("bars", "results", "data", "candles", "values", "trades", "quotes")
SERIES = re.compile(r"Time Series \(.*\)")
PRICE_MODES = ("raw", "split", "dividend", "all")
NEXT_PAGE = ("next_page_token", "next_url")
LINES = (".jsonl", ".ndjson")


def read_json(data: bytes, name: str, path: Path) -> Sheet:
    """Raises UnreadableFile for what is no JSON, OtherKind for what has no list of records."""
    if any(ending in name for ending in LINES):
        return _read_lines(data, path)
    try:
        found = json.loads(data)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return _read_lines(data, path)
        raise UnreadableFile(f"{path}: cannot be read: {error}") from None
    rows, about = _records(found, path)
    symbol = about.get("symbol") or about.get("ticker") or about.get("2. Symbol") or ""
    sheet = numbered(pd.DataFrame(rows))
    prices = _prices(found)
    sheet = replace(sheet, symbol=str(symbol), zone=_zone(about), interval=_interval(about), prices=prices)
    return sheet.noted(f"prices {prices}: the answer says so" if prices else "", _partial(found))


def _read_lines(data: bytes, path: Path) -> Sheet:
    rows, lines, bad = [], [], []
    for number, line in enumerate(data.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            row = None
        if isinstance(row, dict):
            rows.append(row)
            lines.append(number)
        else:
            bad.append(BadLine(number, "the line is no JSON object", line.decode("utf-8", "replace")))
    if not rows:
        raise UnreadableFile(f"{path}: cannot be read: no line of it is a JSON object.")
    return Sheet(pd.DataFrame(rows), np.array(lines, np.int64), bad, text=Text(data))


def _records(found: Any, path: Path) -> tuple[list[dict[str, Any]] | Mapping[str, Any], dict[str, Any]]:
    """The rows, and what the answer says about all of them."""
    about: dict[str, Any] = {}
    while isinstance(found, dict):
        about |= {key: value for key, value in found.items() if isinstance(value, str)}
        for key in ("meta", "Meta Data"):
            about |= found[key] if isinstance(found.get(key), dict) else {}
        inner = next((found[key] for key in found if key in LISTS or SERIES.fullmatch(key)), None)
        if inner is None:
            break
        about |= {"series": next((key for key in found if SERIES.fullmatch(key)), "")}
        found = inner
    if isinstance(found, dict):
        found = _of_dict(found)
    if isinstance(found, list) and all(isinstance(row, dict) for row in found):
        return found, about
    if isinstance(found, dict):
        return found, about
    raise OtherKind(f"{path}: holds no list of bars, trades or quotes.")


def _of_dict(found: dict[str, Any]) -> Any:
    """Rows by symbol, rows by stamp, or a column under each name; anything else is none."""
    if not found:
        return None
    if all(isinstance(rows, list) and all(isinstance(row, dict) for row in rows) for rows in found.values()):
        return [{"symbol": name, **row} for name, rows in found.items() for row in rows]
    if all(isinstance(row, dict) for row in found.values()):
        return [{"timestamp": stamp, **row} for stamp, row in found.items()]
    columns = {name: column for name, column in found.items() if isinstance(column, list)}
    same = len({len(column) for column in columns.values()}) == 1
    return columns if len(columns) >= 3 and same else None


def _zone(about: Mapping[str, Any]) -> str:
    """Alpha Vantage and Twelve Data say the zone of their stamps."""
    return str(next((about[key] for key in about if "time zone" in key.lower() or key == "exchange_timezone"), ""))


def _interval(about: Mapping[str, Any]) -> str:
    """Of the bars: Twelve Data's meta.interval, Alpha Vantage's Time Series (5min)."""
    series = re.search(r"\((.*)\)", str(about.get("series", "")))
    return str(about.get("interval") or (series[1] if series else ""))


def _prices(found: Any) -> str:
    """How an answer says that its prices are adjusted: Polygon's adjusted, by splits; a word of Alpaca's."""
    if not isinstance(found, dict):
        return ""
    if isinstance(found.get("adjusted"), bool):
        return "split" if found["adjusted"] else "raw"
    said = found.get("adjustment")
    return said if said in PRICE_MODES else ""


def _partial(found: Any) -> str:
    """What to know of an answer that was cut into pages."""
    more = isinstance(found, dict) and next((key for key in NEXT_PAGE if found.get(key)), "")
    return f"the answer is a part: {more} says that more follow" if more else ""
