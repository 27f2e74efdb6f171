"""ThetaData: milliseconds since New York's midnight beside a date."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from marketdata.importing.base.sheets import Sheet
from marketdata.importing.dialects.dialect import Dialect, words
from marketdata.kinds import DayKind

NEW_YORK = "America/New_York"
COLUMNS = {"time": "timestamp"}


def _prepare(sheet: Sheet, path: Path, kind: str) -> Sheet:
    frame = sheet.frame
    date = pd.to_datetime(frame["date"].astype(str), format="%Y%m%d", errors="coerce")
    since = pd.to_timedelta(pd.to_numeric(frame["ms_of_day"], errors="coerce"), unit="ms")
    stamped = frame.drop(columns=["ms_of_day", "date"]).assign(timestamp=date.astype("M8[ns]") + since)
    return replace(sheet, frame=stamped)


def _dialect(name: str, kind: str, more: str, label: str = "") -> Dialect:
    sign = "ms_of_day"
    found = words(f"ms_of_day date {more}")
    return Dialect(name, found, None, kind, None, COLUMNS, NEW_YORK, label=label, prepare=_prepare, sign=sign)


MINUTES = _dialect("ThetaData OHLC", DayKind.BARS, "open high low close", "start")
TRADES = _dialect("ThetaData trades", DayKind.TRADES, "price size sequence")
QUOTES = _dialect("ThetaData quotes", DayKind.QUOTES, "bid ask bid_size ask_size")
