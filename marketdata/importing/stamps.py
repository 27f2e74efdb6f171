"""Stamps as people and vendors write them, as UTC nanoseconds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.columns import Ints
from marketdata.importing.dialects import Reading, UnreadableFile

EPOCH_UNITS = ((1e17, 1), (1e14, 1_000), (1e11, 1_000_000), (0, 1_000_000_000))
"""From which size on a number counts nanoseconds, microseconds, …, seconds; and a unit's nanoseconds."""
COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
ZONE = r"(?:\s*(?P<zone>Z|[+-]\d\d:?\d\d))?$"
TIME = r"(?:[ T,;]+(?P<time>\d{1,2}:?\d\d(?::?\d\d(?P<fraction>\.\d+)?)?(?P<half>\s*[AaPp][Mm])?))?"
NUMERIC_DATE = re.compile(r"(?P<a>\d{1,2})(?P<sep>[/.\-])(?P<b>\d{1,2})(?P=sep)(?P<year>\d{4}|\d\d)" + TIME + ZONE)
COMPACT_DATE = re.compile(r"(?P<year>(?:19|20)\d{6})" + TIME + ZONE)
ORDERS = {"mdy": "%m{sep}%d{sep}%{year}", "dmy": "%d{sep}%m{sep}%{year}"}


def stamps(table: pd.DataFrame, mapped: Mapping[str, str], reading: Reading, path: Path) -> Ints:
    """Bar starts as UTC nanoseconds since the epoch; NaT's minimum where a stamp cannot be read."""
    raw = table[mapped["time"]]
    if "date" in mapped:
        raw = _text(table[mapped["date"]]) + " " + _clock(raw)
    moments = _parsed(raw, reading, path)
    if getattr(moments.dt, "tz", None) is None:
        if not reading.tz:
            raise UnreadableFile(f"{path}: its stamps have no time zone: pass --tz, e.g. --tz America/New_York or UTC.")
        moments = moments.dt.tz_localize(reading.tz, ambiguous="NaT", nonexistent="NaT")
    nanoseconds: Ints = moments.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("M8[ns]").astype(np.int64)
    return nanoseconds


def _text(column: pd.Series) -> pd.Series:
    return column.astype(str).str.strip()


def _clock(column: pd.Series) -> pd.Series:
    """Times of day; 930 and 93000, as spreadsheets leave 0930 and 09:30:00, get their nought back."""
    text = _text(column)
    bare = text.str.fullmatch(r"\d{3}|\d{5}")
    return text.where(~bare, "0" + text)


def _parsed(raw: pd.Series, reading: Reading, path: Path) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(raw):
        return raw
    if pd.api.types.is_numeric_dtype(raw):
        return _from_numbers(raw)
    text = _text(raw)
    seen = text[raw.notna() & (text != "")]
    first = next((value for value in seen if any(digit.isdigit() for digit in value)), "")
    if match := NUMERIC_DATE.fullmatch(first):
        order = reading.date_order or _order(seen, path)
        date = ORDERS[order].format(sep=match["sep"], year="Y" if len(match["year"]) == 4 else "y")
        return _by_format(text, date, match)
    if match := COMPACT_DATE.fullmatch(first):
        return _by_format(text, "%Y%m%d", match)
    zoned = text.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$", regex=True).any()
    return pd.to_datetime(text, utc=bool(zoned), errors="coerce", format="ISO8601")


def _from_numbers(raw: pd.Series) -> pd.Series:
    size = float(raw.abs().fillna(0).max()) if len(raw) else 0.0
    digits = len(str(int(size)))
    if digits in COMPACT and str(int(size))[:2] in ("19", "20"):
        return pd.to_datetime(raw.astype("Int64").astype(str), format=COMPACT[digits], errors="coerce")
    factor = next(factor for least, factor in EPOCH_UNITS if size >= least)
    nanoseconds = (raw * factor).round().astype("Int64")
    return pd.to_datetime(nanoseconds, utc=True, errors="coerce")


def _by_format(text: pd.Series, date: str, example: re.Match[str]) -> pd.Series:
    """All stamps in the form of the first one: strict, so that another form is told and not guessed."""
    middle = ""
    if example["time"]:
        between = example.string[: example.start("time")]
        gap = re.search(r"[ T,;]+$", between)
        middle = (gap[0] if gap else " ") + _time_format(example)
    zone = "%z" if example["zone"] else ""
    if zone:
        text = text.str.replace(r"\s+(?=[+-]\d\d:?\d\d$|Z$)", "", regex=True)
    return pd.to_datetime(text, format=date + middle + zone, utc=bool(zone), errors="coerce")


def _time_format(example: re.Match[str]) -> str:
    time = example["time"]
    colon = ":" if ":" in time else ""
    digits = re.sub(r"\D", "", time.split(".")[0])
    seconds = f"{colon}%S" if time.count(":") == 2 or (not colon and len(digits) == 6) else ""
    hour = "%I" if example["half"] else "%H"
    half = (" " if " " in example["half"] else "") + "%p" if example["half"] else ""
    return f"{hour}{colon}%M{seconds}{'.%f' if example['fraction'] else ''}{half}"


def _order(text: pd.Series, path: Path) -> str:
    """Month first or day first, from the numbers that can be only one of them."""
    dates = text.str.extract(r"^(\d{1,2})[/.\-](\d{1,2})[/.\-]").drop_duplicates().dropna().astype(int)
    month_first, day_first = bool((dates[1] > 12).any()), bool((dates[0] > 12).any())
    same = bool((dates[0] == dates[1]).all())
    if day_first and not month_first:
        return "dmy"
    if (month_first and not day_first) or same:
        return "mdy"
    told = "some of its dates have the month first and some the day" if day_first else "can be read in two ways"
    raise UnreadableFile(f"{path}: {text.iloc[0]!r}: {told}: pass --date-order mdy or dmy.")
