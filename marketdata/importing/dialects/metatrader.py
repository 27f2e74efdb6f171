"""MetaTrader 4 and 5: stamps are the broker's server time; VOL is often 0 throughout."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.importing.base.heads import Head
from marketdata.importing.base.sheets import Sheet
from marketdata.importing.base.spellings import fold
from marketdata.importing.dialects.dialect import Dialect, words
from marketdata.kinds import DayKind

HINT = "MetaTrader writes its server's time, often New York's plus seven hours: --tz America/New_York+07:00"
NAME_4 = re.compile(r"(?P<symbol>[A-Za-z][A-Za-z.#]+?)(?P<minutes>1|5|15|30|60|240|1440|10080|43200)\.")
DOTTED = re.compile(r"\d{4}\.\d\d\.\d\d")


def _prepare(sheet: Sheet, path: Path, kind: str) -> Sheet:
    """A volume that is 0 in every row is no volume; the number of price changes is kept as the trade count."""
    names = {fold(str(name)): str(name) for name in sheet.frame.columns}
    real, ticks = (names.get("vol") or names.get("real_volume", "")), (names.get("tickvol") or names["tick_volume"])
    volume = pd.to_numeric(sheet.frame[real], errors="coerce") if real else None
    if volume is not None and (not len(volume) or (volume != 0).any()):
        return sheet
    frame = sheet.frame.drop(columns=real) if real else sheet.frame
    why = f"{real} is 0 throughout: no volume; " if real else "no volume; "
    sheet = replace(sheet, frame=frame.rename(columns={ticks: "trade_count"}))
    return sheet.noted(f"{why}{ticks} is kept as the trade count")


def _prepare_ticks(sheet: Sheet, path: Path, kind: str) -> Sheet:
    """A side that did not change is left blank."""
    names = {fold(str(name)): str(name) for name in sheet.frame.columns}
    if kind == DayKind.TRADES:
        price = pd.to_numeric(sheet.frame[names["last"]], errors="coerce").to_numpy()
        return sheet.take(np.nan_to_num(price) > 0)
    sides = [names["bid"], names["ask"]]
    filled = sheet.frame[sides].replace("", np.nan).ffill()
    note = "a blank side is the one before it" if sheet.frame[sides].isin([""]).any().any() else ""
    blank = bool(sheet.frame[sides].isna().any().any())
    return replace(sheet, frame=sheet.frame.assign(**{name: filled[name] for name in sides})).noted(
        note or ("a blank side is the one before it" if blank else "")
    )


def _prepare_four(sheet: Sheet, path: Path, kind: str) -> Sheet:
    """The file's name is the symbol and the bars' minutes: EURUSD1.csv, EURUSD1440.csv."""
    match = NAME_4.match(path.name)
    if match is None:
        return sheet
    return replace(sheet, symbol=match["symbol"], interval=f"{match['minutes']}m")


def _four(head: Head) -> bool:
    return not head.names and len(head.first) == 7 and bool(DOTTED.fullmatch(head.first[0]))


MINUTES = Dialect(
    "MetaTrader 5",
    words("date time open high low close tickvol vol"),
    kind=DayKind.BARS,
    label="start",
    zone_hint=HINT,
    prepare=_prepare,
    sign="TICKVOL",
)
RATES = Dialect(
    "MetaTrader 5, Python",
    words("time open high low close tick_volume"),
    kind=DayKind.BARS,
    columns={"volume": "real_volume"},
    label="start",
    zone_hint=HINT,
    prepare=_prepare,
    sign="tick_volume",
)
TICKS = Dialect(
    "MetaTrader 5 ticks",
    words("date time bid ask last volume flags"),
    kind=DayKind.QUOTES,
    zone_hint=HINT,
    prepare=_prepare_ticks,
    sign="BID, ASK, LAST, FLAGS",
)
MINUTES_4 = Dialect(
    "MetaTrader 4",
    matches=_four,
    kind=DayKind.BARS,
    header=lambda head: ("date", "time", "open", "high", "low", "close", "volume"),
    label="start",
    zone_hint=HINT,
    prepare=_prepare_four,
    sign="rows yyyy.MM.dd,HH:mm,…",
)
