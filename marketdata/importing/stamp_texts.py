"""Dates and times as texts, in the form of the first of them: strict, so that another form is reported, not guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from marketdata.importing.refusals import Doubt

TIME = (
    r"(?:(?P<gap>[ T,;]+|-(?=\d\d:))(?P<time>\d{1,2}:?\d\d(?::?\d\d(?P<fraction>[. ]\d+)?)?(?P<half>\s*[AaPp][Mm])?))?"
)
NUMERIC_DATE = re.compile(r"(?P<a>\d{1,2})(?P<sep>[/.\-])(?P<b>\d{1,2})(?P=sep)(?P<year>\d{4}|\d\d)" + TIME)
YEAR_FIRST = re.compile(r"(?P<year>\d{4})(?P<sep>[/.])\d{1,2}(?P=sep)\d{1,2}" + TIME)
COMPACT_DATE = re.compile(r"(?P<year>(?:19|20)\d{6})" + TIME)
ORDERS = {"mdy": "%m{sep}%d{sep}%{year}", "dmy": "%d{sep}%m{sep}%{year}"}
ZONED = (
    r"^(.*?\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:\s?[AaPp][Mm])?|\d{8}[ T]\d{4,6})"
    r"(?:\s*(Z|[+-]\d\d:?\d\d)|\s+((?:GMT|UTC)(?:[+-]\d{1,2}:?\d{0,2})?|[ECMP][SD]T|[A-Z][A-Za-z_]+/[A-Za-z_/]+))$"
)
"""A stamp and the zone after it."""
DASHED = re.compile(r"\d{8}-\d\d:\d\d(?::\d\d)?")


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """`moments`: without a zone, or in UTC where all stamps carry an offset. `words`: each row's zone, "" for none.

    None where no row names one.
    """

    moments: pd.Series
    words: pd.Series | None


def parse_texts(text: pd.Series, order: str, path: Path) -> Texts:
    """Raises Doubt for dates that can be read in two ways."""
    first = next((value for value in text if any(digit.isdigit() for digit in value)), "")
    words = None
    plain = text
    parts = text.str.extract(ZONED) if _names_zone(text) else None
    if parts is not None:
        words = parts[1].fillna(parts[2]).fillna("")
        plain = parts[0].fillna(text)
        first = next((value for value in plain if any(digit.isdigit() for digit in value)), "")
    if DASHED.fullmatch(first):  # TWS writes UTC with a dash
        dashed = plain.str.fullmatch(DASHED.pattern)
        words = (words if words is not None else pd.Series("", index=text.index)).mask(dashed, "UTC")
    return Texts(_parsed(plain, first, order, path), words)


def _names_zone(text: pd.Series) -> bool:
    return bool(text.str.contains(r"(?:Z|[+-]\d\d:?\d\d|[A-Za-z]{2}(?:[+-]\d{1,2}:?\d{0,2})?)$").any())


def _parsed(text: pd.Series, first: str, order: str, path: Path) -> pd.Series:
    if match := NUMERIC_DATE.fullmatch(first):
        order = order or date_order(text[text != ""], path)
        return _by_format(
            text, ORDERS[order].format(sep=match["sep"], year="Y" if len(match["year"]) == 4 else "y"), match
        )
    if match := YEAR_FIRST.fullmatch(first):
        return _by_format(text, "%Y{0}%m{0}%d".format(match["sep"]), match)
    if match := COMPACT_DATE.fullmatch(first):
        return _by_format(text, "%Y%m%d", match)
    return pd.to_datetime(text, errors="coerce", format="ISO8601")


def _by_format(text: pd.Series, date: str, example: re.Match[str]) -> pd.Series:
    if not example["time"]:
        return pd.to_datetime(text, format=date, errors="coerce")
    found = pd.to_datetime(
        text, format=date + example["gap"] + _time_format(example, bool(example["fraction"])), errors="coerce"
    )
    unread = found.isna() & (text != "")
    if unread.any():  # a program that leaves out a fraction of nought
        other = date + example["gap"] + _time_format(example, not example["fraction"])
        more = pd.to_datetime(text[unread], format=other, errors="coerce")
        found = found.astype("M8[ns]")
        found[unread] = more.astype("M8[ns]")
    return found


def _time_format(example: re.Match[str], fraction: bool) -> str:
    time = example["time"]
    colon = ":" if ":" in time else ""
    digits = re.sub(r"\D", "", re.split(r"[. ]", time)[0])
    seconds = f"{colon}%S" if time.count(":") == 2 or (not colon and len(digits) == 6) else ""
    hour = "%I" if example["half"] else "%H"
    half = (" " if " " in example["half"] else "") + "%p" if example["half"] else ""
    point = (example["fraction"] or ".")[0]
    return f"{hour}{colon}%M{seconds}{f'{point}%f' if fraction and seconds else ''}{half}"


def date_order(text: pd.Series, path: Path) -> str:
    """Month first or day first, from the numbers that can be only one of them."""
    dates = text.str.extract(r"^(\d{1,2})[/.\-](\d{1,2})[/.\-]").drop_duplicates().dropna().astype(int)
    month_first, day_first = bool((dates[1] > 12).any()), bool((dates[0] > 12).any())
    same = bool((dates[0] == dates[1]).all())
    if day_first and not month_first:
        return "dmy"
    if (month_first and not day_first) or same:
        return "mdy"
    why = "some of its dates have the month first and some the day" if day_first else "can be read in two ways"
    raise Doubt(
        f"{path}: {text.iloc[0]!r}: {why}",
        "pass --date-order mdy or dmy",
        option="date-order",
        choices=("mdy", "dmy"),
    )
