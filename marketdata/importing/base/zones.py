"""Time zones as people name them: America/New_York, UTC, -05:00, and a clock that is New York's plus seven hours."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:  # a page that takes a zone's name reads no file
    import pandas as pd

OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d))?")
SHIFTED = re.compile(rf"(?P<zone>[A-Za-z][A-Za-z_/]+){OFFSET.pattern}")
WORDS = {
    **{"Z": "+00:00", "UTC": "+00:00", "GMT": "+00:00", "EST": "-05:00", "EDT": "-04:00", "CST": "-06:00"},
    **{"ET": "America/New_York", "CT": "America/Chicago", "MT": "America/Denver", "PT": "America/Los_Angeles"},
    **{"CET": "+01:00", "CEST": "+02:00", "EEST": "+03:00", "BST": "+01:00", "JST": "+09:00", "HKT": "+08:00"},
    **{"CDT": "-05:00", "MST": "-07:00", "MDT": "-06:00", "PST": "-08:00", "PDT": "-07:00"},
}
"""What a zone's word at the end of a stamp means, as an offset: EST is not New York's summer."""
LOOSE = {"EST": "-05:00", "CST": "-06:00", "MST": "-07:00", "PST": "-08:00"}
"""Words of the winter that are often written in summer too."""
PLACES = {"EST": WORDS["ET"], "CST": WORDS["CT"], "MST": WORDS["MT"], "PST": WORDS["PT"]}
CITIES = {
    **{"New York": "America/New_York", "Chicago": "America/Chicago", "London": "Europe/London"},
    **{"Eastern": "America/New_York", "Eastern Time": "America/New_York", "Central Time": "America/Chicago"},
}
ZONE_FORM = "e.g. America/New_York, UTC, -05:00 or America/New_York+07:00"


@dataclass(frozen=True, slots=True)
class Zone:
    """`shift`: how far the clock that wrote the stamps is ahead of `tz`."""

    tz: dt.tzinfo
    shift: dt.timedelta = dt.timedelta()

    def to_utc(self, moments: pd.Series) -> pd.Series:
        """Naive stamps as UTC; NaT where the clock was set forward, or showed an hour twice."""
        local = moments - self.shift if self.shift else moments
        return local.dt.tz_localize(self.tz, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC")

    def offset_at(self, moment: dt.datetime) -> dt.timedelta:
        """How far its clock is ahead of UTC at a moment."""
        return (moment.astimezone(self.tz).utcoffset() or dt.timedelta()) + self.shift


def parse_zone(text: str) -> Zone:
    """Raises ValueError, saying what a zone looks like."""
    if text in ("Z", "GMT"):
        return Zone(dt.UTC)
    if match := OFFSET.fullmatch(text):
        return Zone(dt.timezone(_delta(match)))
    try:
        return Zone(ZoneInfo(text))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    match = SHIFTED.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a time zone: {ZONE_FORM}")
    return Zone(parse_zone(match["zone"]).tz, _delta(match))


def parse_word(text: str) -> Zone | None:
    """The zone that ends a stamp: EST, GMT-0400, US/Eastern; None where it is no zone's."""
    bare = re.sub(r"^(?:GMT|UTC)(?=[+-])", "", text.strip())
    try:
        return parse_zone(WORDS.get(bare, bare))
    except ValueError:
        return None


def zone_of_words(text: str) -> str:
    """The zone that a person's words mean, as `parse_word` takes it: UTC, est, New York; empty where they are none."""
    said = text.strip()
    zone = said.upper() if said.upper() in WORDS else CITIES.get(said.replace("_", " ").title(), said)
    return zone if said and parse_word(zone) is not None else ""


def named_zone(text: str) -> Zone:
    """As `parse_word`. Raises ValueError for what is no zone's word."""
    return parse_word(text) or parse_zone(text)


def seasonal(word: str) -> bool:
    """Whether it names one half of a year's time, and is often written all year: EST, EDT, CET, BST."""
    return word in WORDS and word not in ("Z", "UTC", "GMT") and "/" not in WORDS[word]


def out_of_season(word: str, moment: dt.datetime) -> bool:
    """Whether a winter's word stands at a moment at which the clocks of its place show summer."""
    return word in LOOSE and not agree(LOOSE[word], PLACES[word], moment)


def agree(zone: str, other: str, moment: dt.datetime) -> bool:
    """Whether two zones' clocks show the same at a moment."""
    return named_zone(zone).offset_at(moment) == named_zone(other).offset_at(moment)


def _delta(match: re.Match[str]) -> dt.timedelta:
    size = dt.timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
    if size >= dt.timedelta(hours=24):
        raise ValueError(f"{match.string!r} is not a time zone: an offset is below 24 hours")
    return -size if match["sign"] == "-" else size
