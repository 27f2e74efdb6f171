"""TAQ of WRDS: a date and a time of day to the nanosecond in New York; the symbol as root and suffix."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from marketdata.importing.base.sheets import Sheet
from marketdata.importing.base.spellings import fold
from marketdata.importing.dialects.dialect import Dialect, words
from marketdata.kinds import DayKind

NEW_YORK = "America/New_York"
COLUMNS = {"time": "time_m", "date": "date", "symbol": "symbol", "exchange": "ex"}


def _prepare(sheet: Sheet, path: Path, kind: str) -> Sheet:
    names = {fold(str(name)): str(name) for name in sheet.frame.columns}
    root = _text(sheet.frame[names["sym_root"]])
    used = {names["sym_root"]}
    if "sym_suffix" in names:
        suffix = _text(sheet.frame[names["sym_suffix"]])
        root = root.where(suffix == "", root + "." + suffix)
        used.add(names["sym_suffix"])
    sheet = replace(sheet, frame=sheet.frame.assign(symbol=root), used=sheet.used | used)
    return sheet.noted(
        "sizes of quotes are as the file has them: TAQ counts round lots" if kind == DayKind.QUOTES else ""
    )


def _text(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), "").astype(str).str.strip()


TRADES = Dialect(
    "TAQ trades",
    words("date time_m sym_root price size"),
    kind=DayKind.TRADES,
    columns=COLUMNS,
    zone=NEW_YORK,
    prepare=_prepare,
    sign="TIME_M, SYM_ROOT",
)
QUOTES = Dialect(
    "TAQ quotes",
    words("date time_m sym_root bid ask"),
    kind=DayKind.QUOTES,
    columns=COLUMNS,
    zone=NEW_YORK,
    prepare=_prepare,
    sign="TIME_M, SYM_ROOT",
)
