"""Dates with a month's name, clocks of twelve hours, and other spellings, brought into the form that is parsed."""

from __future__ import annotations

import re

import pandas as pd

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WORD = r"(?P<month>[A-Za-z]{3,9})\.?"
WEEKDAY = r"^(?:[A-Za-z]{3,9},?\s+)?"
DAY_FIRST = rf"{WEEKDAY}(?P<day>\d{{1,2}})[-/ ]?{WORD}[-/ ,]*(?P<year>\d{{4}}|\d\d)(?!\d)(?P<rest>.*)$"
MONTH_FIRST = rf"{WEEKDAY}{WORD}\s*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})(?P<rest>.*)$"
HALF = r"(?i)(?<=\d)\s*([ap])\.?\s?m\.?(?=$|\s)"
FRACTION = r"(?<!\d)(\d\d:\d\d:\d\d)[,:](\d{1,9})"
ZONE_NAME = r"((?:Z|[+-]\d\d:?\d\d))\[[A-Za-z_/]+\]$"


def plain(text: pd.Series, first: str) -> pd.Series:
    """The stamps as dates of digits with a point before fractions. `first`: the first of them, whose form says all."""
    if re.search(ZONE_NAME, first):
        text = text.str.replace(ZONE_NAME, r"\1", regex=True)
    if re.search(FRACTION, first):
        text = text.str.replace(FRACTION, r"\1.\2", regex=True)
    if re.search(HALF, first):
        text = text.str.replace(HALF, lambda match: f" {match[1].upper()}M", regex=True)
    for pattern in (DAY_FIRST, MONTH_FIRST):
        match = re.match(pattern, first)
        if match and match["month"][:3].lower() in MONTHS:
            return _of_digits(text, pattern)
    return text


def _of_digits(text: pd.Series, pattern: str) -> pd.Series:
    parts = text.str.extract(pattern)
    month = parts["month"].str[:3].str.lower().map({name: f"{number:02}" for number, name in enumerate(MONTHS, 1)})
    year = parts["year"].where(parts["year"].str.len() == 4, "20" + parts["year"])
    rest = parts["rest"].str.replace(r"^[:T,\s]+", " ", regex=True)
    return (year + "-" + month + "-" + parts["day"].str.zfill(2) + rest).fillna(text)
