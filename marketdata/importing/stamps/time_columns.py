"""Which column has the stamps where its name is not just one of the usual: with a zone in it, unnamed, or a clock."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from marketdata.importing.base.spellings import TIME, fold
from marketdata.importing.base.zones import WORDS, zone_of_words
from marketdata.importing.dialects.dialect import Dialect

ZONED = re.compile(
    r"(?P<base>.+?)(?:\s*[(\[](?P<zone>[A-Za-z/_+\-:0-9 ]+)[)\]]|[_ ](?P<word>" + "|".join(WORDS) + r"))", re.IGNORECASE
)
ZONES = frozenset(["tz", "timezone", "time_zone", "zone", "tzname", "exchange_timezone", "exchange_tz"])
OFFSETS = frozenset(["gmtoffset", "gmt_offset", "utcoffset", "utc_offset", "tz_offset", "tzoffset"])
MOST_HOURS = 14
UNNAMED = ("column 0", "Unnamed: 0", "__index_level_0__")
CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s*[AaPp]\.?[Mm]\.?)?")


def time_column(names: Sequence[str]) -> str:
    """A column of stamps whose name has a zone in it; else a first one without a name, as pandas writes its index."""
    zoned = [name for name in names if zone_in(name) and _base(name) in TIME]
    if zoned:
        return next((name for name in zoned if _base(name) != "date"), zoned[0])
    return names[0] if names and names[0] in UNNAMED else ""


def zoned_time(names: Sequence[str]) -> str:
    """A column of times with a zone in its name, beside one of dates: Date, Time (UTC)."""
    return next((name for name in names if zone_in(name) and _base(name) == "time"), "")


def zone_in(name: str) -> str:
    """The zone that a column's name says: Time (UTC), time_est, Time (New York); empty where it says none."""
    match = ZONED.fullmatch(name.strip())
    if match is None:
        return ""
    return zone_of_words(match["zone"] or match["word"])


def _base(name: str) -> str:
    """The column's name, folded, without its zone."""
    match = ZONED.fullmatch(name.strip())
    return fold(match["base"] if match and zone_in(name) else name)


def with_zone_of(dialect: Dialect, *names: str) -> Dialect:
    """The dialect with the zone that the first of the columns' names says that says one."""
    name = next((name for name in names if zone_in(name)), "")
    if dialect.zone or not name:
        return dialect
    return replace(dialect, zone=zone_in(name), sign=f"the column {name}")


def with_zone_column(dialect: Dialect, frame: pd.DataFrame) -> Dialect:
    """The dialect with the zone that a column has in every row: tz, timezone, gmtoffset (in seconds, or in hours)."""
    for name in () if dialect.zone else map(str, frame.columns):
        words, offset = fold(name) in ZONES, fold(name) in OFFSETS
        values: list[str] = list(frame[name].dropna().astype(str).unique()) if words or offset else []
        if len(values) != 1:
            continue
        zone = zone_of_words(values[0]) if words else _offset_zone(values[0])
        if zone:
            return replace(dialect, zone=zone, sign=f"the column {name}")
    return dialect


def _offset_zone(text: str) -> str:
    """-14400 and -4 are -04:00; empty for what is no offset."""
    if not re.fullmatch(r"[+-]?\d+(?:\.0+)?", text.strip()):
        return zone_of_words(text)
    minutes = round(float(text) * 60) if abs(float(text)) <= MOST_HOURS else round(float(text) / 60)
    if abs(minutes) > MOST_HOURS * 60:
        return ""
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def date_beside(frame: pd.DataFrame, time: str) -> str:
    """The column of dates where the stamps are times of day alone; empty where there is none."""
    date = next((str(name) for name in frame.columns if _base(str(name)) == "date" and str(name) != time), "")
    if date and _base(time) == "time" and (zone_in(time) or zone_in(date)):
        return date
    if not date or pd.api.types.is_numeric_dtype(frame[time]) or pd.api.types.is_datetime64_any_dtype(frame[time]):
        return ""
    first = next((str(value) for value in frame[time].head(100) if str(value).strip()), "")
    return date if CLOCK.fullmatch(first.strip()) else ""
