"""Databento's CSV: pretty, or raw with prices in units of 1e-9; a row per publisher."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.importing.base.refusals import Doubt
from marketdata.importing.base.sheets import Sheet
from marketdata.importing.dialects.dialect import Dialect, words
from marketdata.kinds import DayKind

RAW_SCALE = 1e9
RAW_FROM = 1_000_000
UNDEFINED = 9_000_000_000_000_000_000
"""Above this a raw price is the largest int64, which says that there is none."""
PRICE_NAMES = ("open", "high", "low", "close", "price", "bid_px_00", "ask_px_00")
TRADE = "T"


def prepare(sheet: Sheet, path: Path, kind: str) -> Sheet:
    sheet = _one_publisher(sheet, path, kind)
    frame = sheet.frame
    if kind == DayKind.TRADES and "action" in frame:
        rows = (frame["action"].astype(str).str.strip() == TRADE).to_numpy()
        left = int((~rows).sum())
        sheet = replace(sheet.take(rows), used=sheet.used | {"action"})
        sheet = sheet.noted(f"{left:,} rows of other actions than trades are left out" if left else "")
        frame = sheet.frame
    prices = [name for name in PRICE_NAMES if name in frame and pd.api.types.is_integer_dtype(frame[name])]
    if not prices or float(frame[prices].abs().max().max() or 0) < RAW_FROM:
        return sheet
    fixed = {name: frame[name].astype("float64").where(frame[name].abs() < UNDEFINED, np.nan) for name in prices}
    return replace(sheet, frame=frame.assign(**fixed), scale=RAW_SCALE)


def _one_publisher(sheet: Sheet, path: Path, kind: str) -> Sheet:
    """Each publisher's bar has a part of the minute's volume: none is the minute's own."""
    frame = sheet.frame
    if kind != DayKind.BARS or "publisher_id" not in frame:
        return sheet
    names = [name for name in ("symbol", "instrument_id") if name in frame][:1]
    if not frame.duplicated(["ts_event", *names, "rtype"]).any():
        return sheet
    publishers = sorted(frame["publisher_id"].dropna().unique())
    if len(publishers) < 2:
        return sheet
    named = ", ".join(map(str, publishers))
    raise Doubt(
        f"{path}: has bars of several venues for one minute (publisher_id {named}), each with its own part of the "
        "volume",
        f"pass --only publisher_id={publishers[0]}, or export consolidated bars",
        option="only",
        choices=tuple(f"publisher_id={one}" for one in publishers),
    )


COLUMNS = {"time": "ts_event"}
OHLCV = Dialect(
    "Databento OHLCV",
    words("ts_event rtype open high low close"),
    kind=DayKind.BARS,
    columns=COLUMNS,
    label="start",
    prepare=prepare,
    sign="rtype, ts_event",
)
TOP_OF_BOOK = Dialect(
    "Databento quotes",
    words("ts_event rtype bid_px_00 ask_px_00"),
    kind=DayKind.QUOTES,
    columns={**COLUMNS, "bid": "bid_px_00", "ask": "ask_px_00", "bid_size": "bid_sz_00", "ask_size": "ask_sz_00"},
    prepare=prepare,
    sign="rtype, bid_px_00",
)
TRADES = Dialect(
    "Databento trades",
    words("ts_event rtype price size action"),
    kind=DayKind.TRADES,
    columns=COLUMNS,
    prepare=prepare,
    sign="rtype, action",
)
