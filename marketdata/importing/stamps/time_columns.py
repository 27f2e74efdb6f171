"""Which column has the stamps where its name is not just one of the usual: with a zone in it, unnamed, or a clock."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from marketdata.importing.base.spellings import TIME, fold
from marketdata.importing.base.zones import parse_word
from marketdata.importing.dialects.dialect import Dialect

ZONED = re.compile(r"(?P<base>.+?)(?:\s*[(\[](?P<zone>[A-Za-z/_+\-:0-9]+)[)\]]|[_ ](?P<word>utc|gmt))", re.IGNORECASE)
UNNAMED = ("column 0", "Unnamed: 0", "__index_level_0__")
CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s*[AaPp]\.?[Mm]\.?)?")


def time_column(names: Sequence[str]) -> str:
    """A column of stamps whose name has a zone in it; else a first one without a name, as pandas writes its index."""
    for name in names:
        match = ZONED.fullmatch(name.strip())
        if match and fold(match["base"]) in TIME:
            return name
    return names[0] if names and names[0] in UNNAMED else ""


def with_zone_of(dialect: Dialect, name: str) -> Dialect:
    """The dialect with the zone that a column's name says: Time (UTC), datetime_utc."""
    match = ZONED.fullmatch(name.strip())
    word = (match["zone"] or match["word"]) if match else ""
    if dialect.zone or not word or parse_word(word.upper() if match and match["word"] else word) is None:
        return dialect
    zone = word.upper() if match and match["word"] else word
    return replace(dialect, zone=zone, sign=f"the column {name}")


def date_beside(frame: pd.DataFrame, time: str) -> str:
    """The column of dates where the stamps are times of day alone; empty where there is none."""
    date = next((str(name) for name in frame.columns if fold(str(name)) == "date" and str(name) != time), "")
    if not date or pd.api.types.is_numeric_dtype(frame[time]) or pd.api.types.is_datetime64_any_dtype(frame[time]):
        return ""
    first = next((str(value) for value in frame[time].head(100) if str(value).strip()), "")
    return date if CLOCK.fullmatch(first.strip()) else ""
