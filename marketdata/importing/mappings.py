"""Mappings that a user names in MARKETDATA_MAPPINGS: {"vendor": {"HEADER": [...], "TZ": "America/New_York"}}."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from marketdata.errors import MarketDataError
from marketdata.importing.base.file_form import PRICE_MODES, FileForm
from marketdata.importing.base.spellings import SPELLINGS
from marketdata.importing.base.zones import parse_zone
from marketdata.kinds import DayKind
from marketdata.models import KeptMapping

OPTIONS = ("COLUMNS", "HEADER", "TZ", "LABEL", "DATE_ORDER", "DELIMITER", "DECIMAL", "SCALE", "PRICES")
ANSWERS = {"tz": "TZ", "label": "LABEL", "date_order": "DATE_ORDER", "decimal": "DECIMAL", "scale": "SCALE"}
"""An answer to a doubt → the option under which a mapping keeps it."""
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
LABELS = ("start", "end")
ORDERS = ("", "mdy", "dmy", "ymd")


class BadMapping(MarketDataError):
    """A mapping that is not there, or whose options cannot be meant."""


def names() -> list[str]:
    """The names of the settings' mappings and of the kept ones."""
    return sorted({*settings.MARKETDATA_MAPPINGS, *KeptMapping.objects.values_list("name", flat=True)})


def options_of(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Answers to doubts as a mapping's options; those that hold for one file alone are left out."""
    return {option: answers[name] for name, option in ANSWERS.items() if answers.get(name)}


def keep(name: str, options: Mapping[str, Any]) -> None:
    """Keep a mapping under a name, over an older one. Raises BadMapping."""
    if not NAME.fullmatch(name):
        raise BadMapping(f"{name!r} is not a name for a mapping: letters, digits, - and _.")
    if name in settings.MARKETDATA_MAPPINGS:
        raise BadMapping(f"MARKETDATA_MAPPINGS has {name!r} already, which goes before: take another name.")
    if not options:
        raise BadMapping("There is nothing to keep: say the zone, the label, the date order, the mark or the scale.")
    if problems := wrong(name, options):
        raise BadMapping(problems[0])
    KeptMapping.objects.update_or_create(name=name, defaults={"options": dict(options)})


def named(name: str) -> FileForm:
    """The reading that this name has in the settings, or that was kept under it. Raises BadMapping."""
    found: Any = settings.MARKETDATA_MAPPINGS.get(name)
    if found is None:
        found = KeptMapping.objects.filter(name=name).values_list("options", flat=True).first()
    if found is None:
        known = ", ".join(names()) or "none yet"
        raise BadMapping(f"MARKETDATA_MAPPINGS has no {name!r}, and none was kept under it: it has {known}.")
    problems = wrong(name, found)
    if problems:
        raise BadMapping(problems[0])
    return FileForm(
        tz=found.get("TZ", ""),
        label=found.get("LABEL", ""),
        columns=found.get("COLUMNS", {}),
        header=tuple(found.get("HEADER", ())),
        delimiter=found.get("DELIMITER", ""),
        date_order=found.get("DATE_ORDER", ""),
        decimal=found.get("DECIMAL", ""),
        scale=float(found.get("SCALE", 0.0)),
        prices=found.get("PRICES", ""),
    )


def wrong(name: str, options: Any) -> list[str]:
    """What is wrong with a mapping, in words."""
    if not isinstance(options, Mapping):
        return [f"MARKETDATA_MAPPINGS[{name!r}] is {options!r}: give a dict of {', '.join(OPTIONS)}."]
    place = f"MARKETDATA_MAPPINGS[{name!r}]"
    ours = ", ".join(SPELLINGS[DayKind.BARS])
    columns = options.get("COLUMNS", {})
    rules = [
        (not set(options) <= set(OPTIONS), f"{place} has {', '.join(options)}: the options are {', '.join(OPTIONS)}."),
        (not isinstance(columns, Mapping), f"{place}['COLUMNS'] is {columns!r}: give ours → the file's name."),
        (
            not set(columns) <= {*SPELLINGS[DayKind.BARS], "date"},
            f"{place}['COLUMNS'] names {list(columns)}: ours are {ours}.",
        ),
        (isinstance(options.get("HEADER", ()), str), f"{place}['HEADER'] is a text: give a list of names."),
        (options.get("LABEL", "start") not in LABELS, f"{place}['LABEL'] is not start or end."),
        (options.get("DATE_ORDER", "") not in ORDERS, f"{place}['DATE_ORDER'] is not mdy, dmy or ymd."),
        (options.get("DECIMAL", ".") not in (".", ","), f"{place}['DECIMAL'] is not . or ,"),
        (options.get("PRICES", "raw") not in PRICE_MODES, f"{place}['PRICES'] is not raw, split or all."),
        (not _positive(options.get("SCALE", 1)), f"{place}['SCALE'] is not a number above 0."),
        (not _zone(options.get("TZ", "UTC") or "UTC"), f"{place}['TZ'] is not a time zone, e.g. America/New_York."),
    ]
    return [message for broken, message in rules if broken]


def _positive(value: Any) -> bool:
    return isinstance(value, int | float) and value > 0


def _zone(value: Any) -> bool:
    try:
        parse_zone(value)
    except (ValueError, TypeError):
        return False
    return True
