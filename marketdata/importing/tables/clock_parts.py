"""Dates and times of day whose parts stand in columns of their own: date, hour, minute; year, month, day."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from marketdata.importing.base.sheets import Sheet
from marketdata.importing.base.spellings import TIME, fold


def joined(sheet: Sheet) -> Sheet:
    """The sheet with a column of times, and one of dates, where their parts are there and they are not."""
    folded = {fold(str(name)): str(name) for name in reversed(sheet.frame.columns)}
    days = [folded[part] for part in ("year", "month", "day") if part in folded]
    clock = [folded[part] for part in ("hour", "minute", "second") if part in folded]
    if not {"hour", "minute"} <= folded.keys() or folded.keys() & (set(TIME) - {"date"}):
        return sheet
    if "date" not in folded and len(days) < 3:
        return sheet
    frame = sheet.frame.assign(time=_text(sheet.frame, clock, ":"))
    if "date" not in folded:
        frame = frame.assign(date=_text(sheet.frame, days, "-"))
        clock += days
    return replace(sheet, frame=frame, used=sheet.used | set(clock))


def _text(frame: pd.DataFrame, names: list[str], mark: str) -> pd.Series:
    """The parts as one text; empty where one of them is no whole number."""
    parts = [pd.to_numeric(frame[name], errors="coerce") for name in names]
    whole = pd.concat([part.notna() & (part % 1 == 0) for part in parts], axis=1).all(axis=1)
    texts = [part.where(whole, 0).astype(int).astype(str).str.zfill(2) for part in parts]
    found = texts[0]
    for text in texts[1:]:
        found = found + mark + text
    return found.where(whole, "")
