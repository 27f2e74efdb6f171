"""Dates and times as texts, in the form of the first of them: strict, so that another form is reported, not guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from marketdata.importing.base.refusals import Doubt
from marketdata.importing.stamps.month_names import plain

TIME = (
    r"(?:(?P<gap>[ T,;]+|-(?=\d\d:))(?P<time>\d{1,2}:?\d\d(?::?\d\d(?P<fraction>[. ]\d+)?)?(?P<half>\s*[AaPp][Mm])?))?"
)
NUMERIC_DATE = re.compile(r"(?P<a>\d{1,2})(?P<sep>[/.\-])(?P<b>\d{1,2})(?P=sep)(?P<year>\d{4}|\d\d)" + TIME)
YEAR_FIRST = re.compile(r"(?P<year>\d{4})(?P<sep>[/.])\d{1,2}(?P=sep)\d{1,2}" + TIME)
COMPACT_DATE = re.compile(r"(?P<year>(?:19|20)\d{6})" + TIME)
ISO_DATE = re.compile(r"(?P<year>\d{4})-\d\d-\d\d" + TIME)
ORDERS = {"mdy": "%m{sep}%d{sep}%{year}", "dmy": "%d{sep}%m{sep}%{year}", "ymd": "%{year}{sep}%m{sep}%d"}
FEW_ROWS, MANY_ROWS = 2, 100
"""So few rows of so many do not say the order of all dates."""
ZONED = (
    r"^(.*?\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:\s?[AaPp][Mm])?|\d{8}[ T]\d{4,6})"
    r"(?:\s*(Z|[+-]\d\d:?\d\d)|\s+((?:GMT|UTC)(?:[+-]\d{1,2}:?\d{0,2})?|[ECMP][SD]?T|CES?T|EES?T|BST|JST|HKT|[A-Z][A-Za-z_]+/[A-Za-z_/]+))$"
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
    first = _first(text)
    text = plain(text, first)
    words = None
    bare = text
    parts = text.str.extract(ZONED) if _names_zone(text) else None
    if parts is not None:
        words = parts[1].fillna(parts[2]).fillna("")
        bare = parts[0].fillna(text)
    first = _first(bare)
    if DASHED.fullmatch(first):  # TWS writes UTC with a dash
        dashed = bare.str.fullmatch(DASHED.pattern)
        words = (words if words is not None else pd.Series("", index=text.index)).mask(dashed, "UTC")
    return Texts(_parsed(bare, first, order, path), words)


def _first(text: pd.Series) -> str:
    return next((value for value in text if any(digit.isdigit() for digit in value)), "")


def _names_zone(text: pd.Series) -> bool:
    return bool(text.str.contains(r"(?:Z|[+-]\d\d:?\d\d|[A-Za-z]{2}(?:[+-]\d{1,2}:?\d{0,2})?)$").any())


def _parsed(text: pd.Series, first: str, order: str, path: Path) -> pd.Series:
    if match := NUMERIC_DATE.fullmatch(first):
        order = order or _order_of(text[text != ""], match, path)
        return _by_format(
            text, ORDERS[order].format(sep=match["sep"], year="Y" if len(match["year"]) == 4 else "y"), match
        )
    if match := YEAR_FIRST.fullmatch(first):
        return _by_format(text, "%Y{0}%m{0}%d".format(match["sep"]), match)
    if match := COMPACT_DATE.fullmatch(first):
        return _by_format(text, "%Y%m%d", match)
    match = ISO_DATE.fullmatch(first)
    if match and match["half"]:
        return _by_format(text, "%Y-%m-%d", match)
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


def _order_of(text: pd.Series, example: re.Match[str], path: Path) -> str:
    """Of dates with two digits for the year, the year may come first as well."""
    if len(example["year"]) == 4 or example["sep"] == ".":
        return date_order(text, path)
    dates = text.str.extract(r"^(\d\d)[/\-](\d\d)[/\-](\d\d)").drop_duplicates().dropna().astype(int)
    leads = example["sep"] == "-" or bool((dates[0] > 12).any())
    if not leads or (dates[1] > 12).any() or (dates[2] > 31).any() or dates[2].nunique() < dates[0].nunique():
        return date_order(text, path)
    if (dates[0] > 31).any() or dates[0].nunique() < dates[2].nunique():
        return "ymd"
    raise _order_doubt(text, "its year may come first or last", ("ymd", "dmy", "mdy"), path)


def date_order(text: pd.Series, path: Path) -> str:
    """Month first or day first, from the numbers that can be only one of them."""
    every = text.str.extract(r"^(\d{1,2})[/.\-](\d{1,2})[/.\-]")
    dates = every.drop_duplicates().dropna().astype(int)
    month_first, day_first = bool((dates[1] > 12).any()), bool((dates[0] > 12).any())
    same = bool((dates[0] == dates[1]).all())
    if month_first != day_first and _say_enough(every, dates[(dates[0] > 12) | (dates[1] > 12)]):
        return "dmy" if day_first else "mdy"
    if same:
        return "mdy"
    why = "some of its dates have the month first and some the day"
    if month_first != day_first:
        why = "only a row or two say which of them is the month"
    elif not day_first:
        why = "can be read in two ways"
    raise _order_doubt(text, why, ("mdy", "dmy"), path)


def _say_enough(every: pd.DataFrame, clear: pd.DataFrame) -> bool:
    """Not a row or two of many: one bad line would turn all dates round."""
    if len(every) <= MANY_ROWS:
        return True
    shown = every[0].isin({f"{day}" for day in clear[0]} | {f"{day:02}" for day in clear[0]})
    shown &= every[1].isin({f"{day}" for day in clear[1]} | {f"{day:02}" for day in clear[1]})
    return int(shown.sum()) > FEW_ROWS


def _order_doubt(text: pd.Series, why: str, choices: tuple[str, ...], path: Path) -> Doubt:
    asked = f"{', '.join(choices[:-1])} or {choices[-1]}"
    asked = f"pass --date-order {asked}"
    return Doubt(f"{path}: {text.iloc[0]!r}: {why}", asked, option="date-order", choices=choices)
