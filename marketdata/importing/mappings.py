"""Mappings that a user names in MARKETDATA_MAPPINGS: {"vendor": {"HEADER": [...], "TZ": "America/New_York"}}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings

from marketdata.errors import MarketDataError
from marketdata.importing.dialects import SPELLINGS, Reading

OPTIONS = ("COLUMNS", "HEADER", "TZ", "LABEL", "DATE_ORDER", "DELIMITER", "SCALE")
LABELS = ("start", "end")
ORDERS = ("", "mdy", "dmy")


class BadMapping(MarketDataError):
    """A mapping that is not there, or whose options cannot be meant."""


def names() -> list[str]:
    return sorted(settings.MARKETDATA_MAPPINGS)


def named(name: str) -> Reading:
    """The reading that the settings give this name. Raises BadMapping."""
    found: Any = settings.MARKETDATA_MAPPINGS.get(name)
    if found is None:
        known = ", ".join(names()) or "none yet"
        raise BadMapping(f"MARKETDATA_MAPPINGS has no {name!r}: it has {known}.")
    problems = wrong(name, found)
    if problems:
        raise BadMapping(problems[0])
    return Reading(
        tz=found.get("TZ", ""),
        label=found.get("LABEL", "start"),
        columns=found.get("COLUMNS", {}),
        header=tuple(found.get("HEADER", ())),
        delimiter=found.get("DELIMITER", ""),
        date_order=found.get("DATE_ORDER", ""),
        scale=float(found.get("SCALE", 1.0)),
    )


def wrong(name: str, options: Any) -> list[str]:
    """What is wrong with a mapping, in words."""
    if not isinstance(options, Mapping):
        return [f"MARKETDATA_MAPPINGS[{name!r}] is {options!r}: give a dict of {', '.join(OPTIONS)}."]
    place = f"MARKETDATA_MAPPINGS[{name!r}]"
    ours = ", ".join(SPELLINGS)
    columns = options.get("COLUMNS", {})
    rules = [
        (not set(options) <= set(OPTIONS), f"{place} has {', '.join(options)}: the options are {', '.join(OPTIONS)}."),
        (not isinstance(columns, Mapping), f"{place}['COLUMNS'] is {columns!r}: give ours → the file's name."),
        (not set(columns) <= {*SPELLINGS, "date"}, f"{place}['COLUMNS'] names {list(columns)}: ours are {ours}."),
        (isinstance(options.get("HEADER", ()), str), f"{place}['HEADER'] is a text: give a list of names."),
        (options.get("LABEL", "start") not in LABELS, f"{place}['LABEL'] is not start or end."),
        (options.get("DATE_ORDER", "") not in ORDERS, f"{place}['DATE_ORDER'] is not mdy or dmy."),
        (not _positive(options.get("SCALE", 1)), f"{place}['SCALE'] is not a number above 0."),
        (not _zone(options.get("TZ", "UTC")), f"{place}['TZ'] is not a time zone, e.g. America/New_York."),
    ]
    return [told for broken, told in rules if broken]


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and value > 0


def _zone(value: Any) -> bool:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        return False
    return True
