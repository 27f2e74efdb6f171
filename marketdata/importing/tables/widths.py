"""How long a file's bars are: what it says in columns and in its name, and how far apart they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.columns import Ints
from marketdata.importing.base.refusals import Doubt, NotBars
from marketdata.importing.base.sheets import Sheet
from marketdata.importing.base.spellings import fold
from marketdata.importing.guards.edges import only_dates
from marketdata.importing.tables.spacing import (
    CERTAIN,
    CERTAIN_DAY,
    LIKELY,
    MINUTE,
    Days,
    days_of,
    spacing_of_day,
    spacing_of_file,
)

DAY = 86_400
UNITS = {"s": 1, "m": MINUTE, "h": 3600, "d": DAY, "w": 7 * DAY}
WORDS = {"second": 1, "minute": MINUTE, "hourly": 3600, "hour": 3600, "daily": DAY, "day": DAY, "weekly": 7 * DAY}
COLUMNS = ("interval", "timeframe", "time_frame", "resolution", "granularity", "bar_size", "barsize", "per", "period")
RTYPES = {"32": 1, "33": MINUTE, "34": 3600, "35": DAY}
COUNTED = re.compile(r"(?P<count>\d+)\s*(?P<unit>s|m|h|d|w)(?:ec|in|r|ay|k|econd|inute|our|eek)?s?", re.IGNORECASE)
METATRADER = re.compile(r"(?P<unit>[MHDW])(?P<count>\d+)")
IN_NAME = re.compile(
    r"(?<=[_\-. ])(?:\d+(?:s|sec|m|min|minutes?|h|hours?|d|days?)|[MHDW]\d{1,2}|daily|hourly|weekly)(?=[_\-. ]|$)",
    re.IGNORECASE,
)
TRADING_VIEW = re.compile(r", (\d+)([SDWMH]?)(?=[_. ]|$)")
FEW, FEW_OF_A_DAY, FEW_SECONDS = 20, 6, 5
"""Values of a column that are looked at; rows of a day, and gaps, that say nothing."""
FEW_DAYS, NIGHT = 3, 20 * 3600
"""The same for bars of a day, which are farther apart than this many seconds."""
KEPT = "only 1m is kept, the rest is derived"


def width_of(text: str) -> int:
    """Seconds of 5min, 1h, M5, D1, daily; 0 for what is none."""
    text = text.strip()
    match = COUNTED.fullmatch(text) or METATRADER.fullmatch(text)
    if match:
        return int(match["count"]) * UNITS[match["unit"].lower()]
    return WORDS.get(text.lower(), 0)


def refuse_stated(sheet: Sheet, path: Path) -> Sheet:
    """The sheet, whose column of widths is used. Raises NotBars, or Doubt where some of its bars are of a minute."""
    if sheet.interval and width_of(sheet.interval) not in (0, MINUTE):
        raise NotBars(f"{path}: its bars are of {sheet.interval}, as it says: {KEPT}.")
    for name in map(str, sheet.frame.columns):
        widths = _stated(sheet.frame[name], fold(name))
        if not widths:
            continue
        others = [text for text, width in widths.items() if width != MINUTE]
        minute = next((text for text, width in widths.items() if width == MINUTE), "")
        if others and not minute:
            raise NotBars(f"{path}: its bars are of {others[0]}, as column {name} says: {KEPT}.")
        if others:
            raise Doubt(
                f"{path}: has bars of {', '.join(widths)} in column {name}",
                f"pass --only {name}={minute}",
                option="only",
                choices=(f"{name}={minute}",),
            )
    return sheet


def _stated(column: pd.Series, folded: str) -> Mapping[str, int]:
    """What a column of widths says → seconds; empty for another column, and one with words of another meaning."""
    if folded not in (*COLUMNS, "rtype"):
        return {}
    texts = [str(value).strip().removesuffix(".0") for value in column.dropna().unique()[:FEW]]
    if folded == "rtype":
        return {text: RTYPES[text] for text in texts if text in RTYPES}
    if folded == "per":  # MetaStock's and Stooq's: a bare number counts minutes
        texts = [f"{text}m" if text.isdigit() and text != "0" else text for text in texts]
        return {text.removesuffix("m"): width_of(text) for text in texts if width_of(text)}
    found = {text: width_of(text) for text in texts}
    return found if all(found.values()) else {}


def width_in_name(path: Path) -> int:
    """Seconds; 0 where the name says none."""
    name = path.name
    if match := TRADING_VIEW.search(name):
        count, unit = int(match[1]), match[2].lower()
        return count * (UNITS[unit] if unit in UNITS and unit != "m" else MINUTE if not unit else 30 * DAY)
    return next((width_of(word) for word in IN_NAME.findall(name) if width_of(word)), 0)


def refuse_other_widths(path: Path, names: list[str], stamp: Ints, symbol: Ints, *, as_is: bool = False) -> None:
    """Raises NotBars, or Doubt where few rows are as far apart as wider bars are, unless they are taken as they are.

    `stamp`: seconds, in order within each symbol. Five-minute bars on the minute's grid would look like minutes with
    four of five missing.
    """
    if not len(stamp):
        return
    if only_dates(stamp):
        raise NotBars(f"{path}: its stamps are dates without a time: {KEPT}.")
    gaps = np.where(symbol[1:] == symbol[:-1], np.diff(stamp), 0)
    apart = gaps[gaps > 0]
    if len(apart) >= FEW_DAYS and apart.min() >= NIGHT:
        raise NotBars(f"{path}: its bars are a day apart: {KEPT}.")
    if len(apart) >= FEW_SECONDS and np.median(apart) < MINUTE:
        raise NotBars(f"{path}: its rows are {int(np.median(apart))} seconds apart: only 1m is kept.")
    days = days_of(stamp, symbol)
    file = spacing_of_file(days)
    mostly = days.rows.mean() > 1 / 2
    if mostly and file.bits >= CERTAIN:
        raise NotBars(f"{path}: its bars are {file.width} minutes apart: {KEPT}.")
    seconds, named = int(np.gcd.reduce(apart)) if len(apart) else 0, width_in_name(path)
    if seconds > MINUTE and named > MINUTE and seconds % named == 0:
        raise NotBars(f"{path}: its bars are of {named // MINUTE} minutes, as its name says: {KEPT}.")
    if len(days.start) > 1:
        _refuse_mixed(path, names, stamp, symbol, days)
    if mostly and file.bits >= LIKELY and not as_is:
        raise Doubt(
            f"{path}: its rows are {file.width} minutes apart, as bars of {file.width} minutes are, and {KEPT}",
            "pass --as-is where they are of one minute each and nothing was traded in between",
            option="as-is",
            choices=("yes",),
        )


def _refuse_mixed(path: Path, names: list[str], stamp: Ints, symbol: Ints, days: Days) -> None:
    """A symbol's day of wider bars among others of minutes."""
    for place in np.flatnonzero(days.wide & (days.count > FEW_OF_A_DAY)):
        found = spacing_of_day(days, int(place))
        if found.bits >= CERTAIN_DAY:
            at = int(days.start[place])
            date = pd.Timestamp(int(stamp[at]), unit="s").date()
            raise NotBars(
                f"{path}: the bars of {names[int(symbol[at])]} on {date} are {found.width} minutes apart, "
                f"and others are not: {KEPT}."
            )
