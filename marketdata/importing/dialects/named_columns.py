"""Vendors whose head lines say enough: only the column of the stamps, the label or the zone's hint is added."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd

from marketdata.importing.base.exported import COLUMNS
from marketdata.importing.base.heads import Head
from marketdata.importing.base.sheets import Sheet
from marketdata.importing.base.spellings import fold
from marketdata.importing.dialects.dialect import Dialect, words
from marketdata.kinds import DayKind

TRADINGVIEW = re.compile(r"[A-Z]+_(?:DLY_)?[^,]+, \d+[A-Z]?", re.IGNORECASE)
EXPORTED_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
ALPHA_VANTAGE = re.compile(r"intraday_\d+min_", re.IGNORECASE)


EODHD = Dialect(
    "EODHD",
    words("timestamp gmtoffset datetime open"),
    kind=DayKind.BARS,
    columns={"time": "timestamp"},
    sign="Gmtoffset",
)


def _without_none(sheet: Sheet, path: Path, kind: str) -> Sheet:
    """TWS writes -1 where it has none."""
    names = [name for name in map(str, sheet.frame.columns) if fold(name) in ("volume", "average", "barcount")]
    numeric = [name for name in names if pd.api.types.is_numeric_dtype(sheet.frame[name])]
    fixed = {name: sheet.frame[name].where(sheet.frame[name] != -1) for name in numeric}
    return replace(sheet, frame=sheet.frame.assign(**fixed))


IBKR = Dialect(
    "Interactive Brokers",
    words("date open high low close average barcount"),
    kind=DayKind.BARS,
    label="start",
    zone_hint="TWS writes the zone of its own settings",
    prepare=_without_none,
    sign="average, barCount",
)
SIERRA = Dialect(
    "Sierra Chart",
    words("date time open high low last bidvolume askvolume"),
    kind=DayKind.BARS,
    label="start",
    zone_hint="Sierra Chart writes the chart's zone",
    sign="BidVolume, AskVolume",
)


def _trading_view(head: Head) -> bool:
    return bool(TRADINGVIEW.match(head.path.name))


TRADING_VIEW = Dialect(
    "TradingView",
    words("time open high low close"),
    _trading_view,
    DayKind.BARS,
    label="start",
    sign="the name EXCHANGE_SYM, n",
)
ALPHA = Dialect(
    "Alpha Vantage",
    words("timestamp open high low close volume"),
    lambda head: bool(ALPHA_VANTAGE.match(head.path.name)),
    DayKind.BARS,
    zone_hint="Alpha Vantage writes US/Eastern",
    sign="the name intraday_…",
)
TWELVE_DATA = Dialect(
    "Twelve Data",
    words("datetime open high low close volume"),
    lambda head: head.delimiter == ";",
    DayKind.BARS,
    zone_hint="Twelve Data writes the exchange's time unless it was asked for another",
    sign="datetime;…",
)
TARDIS_TRADES = Dialect(
    "Tardis trades",
    words("exchange symbol timestamp local_timestamp price amount"),
    kind=DayKind.TRADES,
    columns={"time": "timestamp", "size": "amount"},
    sign="local_timestamp, amount",
)
TARDIS_QUOTES = Dialect(
    "Tardis quotes",
    words("exchange symbol timestamp local_timestamp ask_amount bid_amount"),
    kind=DayKind.QUOTES,
    columns={"time": "timestamp"},
    sign="local_timestamp, ask_amount",
)


def _exported(head: Head) -> bool:
    """In this order, with stamps as `export_bars` writes them; Alpaca's clients write offsets."""
    return head.names == COLUMNS and bool(head.rows and EXPORTED_STAMP.fullmatch(head.rows[0][1]))


TAPEDECK = Dialect(
    "Tapedeck export", matches=_exported, kind=DayKind.BARS, label="start", sign="its columns and stamps"
)
ALPACA = Dialect(
    "Alpaca",
    words("symbol timestamp open high low close trade_count vwap"),
    kind=DayKind.BARS,
    label="start",
    sign="trade_count",
)
YFINANCE = Dialect(
    "yfinance", words("open high low close adj_close volume"), kind=DayKind.BARS, label="start", sign="Adj Close"
)
YFINANCE_ADJUSTED = Dialect(
    "yfinance",
    words("datetime open high low close volume dividends stock_splits"),
    kind=DayKind.BARS,
    label="start",
    sign="Dividends, Stock Splits",
)
YFINANCE_FIELDS = {"Open", "High", "Low", "Close", "Volume"}
YFINANCE_WIDE = Dialect(
    "yfinance",
    matches=lambda head: {field for field, _ in head.cells.values()} >= YFINANCE_FIELDS,
    kind=DayKind.BARS,
    label="start",
    sign="a head of two lines, fields and symbols",
)
YFINANCE_ALPHABETIC = Dialect(
    "yfinance",
    matches=lambda head: head.names == ("Datetime", "Close", "High", "Low", "Open", "Volume"),
    kind=DayKind.BARS,
    label="start",
    sign="Datetime, and the fields by the alphabet",
)
FINNHUB_TRADES = Dialect(
    "Finnhub trades",
    words("p s t v"),
    lambda head: not head.folded & {"o", "h", "l", "x", "price", "size"},
    DayKind.TRADES,
    columns={"time": "t", "price": "p", "symbol": "s", "size": "v", "condition": "c"},
    sign="p, s, t, v",
)
