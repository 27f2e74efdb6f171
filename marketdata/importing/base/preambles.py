"""What lines above a table say of it: symbol, zone, width of its bars. The others are noted, not lost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from marketdata.importing.base.spellings import fold
from marketdata.importing.base.zones import zone_of_words
from marketdata.symbols import is_symbol

SAYS = re.compile(r"[#;/*\s\"']*(?P<name>[A-Za-z][A-Za-z _.\-]*?)\s*[:=]\s*(?P<value>[^:=].*?)[\s\"']*")
WORD_AND_VALUE = re.compile(r"[#;/*\s\"']*(?P<name>[A-Za-z]+)[\s,;\t]+(?P<value>\S+)[\s\"',;]*")
NAMES = {
    **dict.fromkeys(["symbol", "ticker", "instrument", "contract", "stock", "security", "underlying"], "symbol"),
    **dict.fromkeys(["time_zone", "timezone", "tz", "zone", "times_in", "all_times_in"], "zone"),
    **dict.fromkeys(["interval", "timeframe", "time_frame", "resolution", "bar_size", "barsize", "period"], "interval"),
}
MOST_SHOWN = 60


class Preamble(NamedTuple):
    symbol: str = ""
    zone: str = ""
    interval: str = ""
    notes: tuple[str, ...] = ()


def preamble_of(lines: Sequence[str]) -> Preamble:
    """Of the lines above a table, in their order."""
    found: dict[str, str] = {}
    notes = []
    for number, line in enumerate(lines, 1):
        said = {NAMES[name]: value for name, value in _said(line) if name in NAMES and _means(NAMES[name], value)}
        found = said | found
        if not said and line.strip(" ,;\t|\"'#"):
            notes.append(f"line {number} is above the table and is not used: {line.strip()[:MOST_SHOWN]}")
    zone = zone_of_words(found.get("zone", ""))
    return Preamble(found.get("symbol", ""), zone, found.get("interval", ""), tuple(notes))


def _said(line: str) -> Iterator[tuple[str, str]]:
    """Names, folded, with their values; a line may have several."""
    parts = re.split(r"[,;|\t]", line)
    pairs = [match for part in parts if (match := SAYS.fullmatch(part))]
    if not pairs and (match := WORD_AND_VALUE.fullmatch(line)):
        pairs = [match]
    for match in pairs:
        yield fold(match["name"]), match["value"].strip()


def _means(name: str, value: str) -> bool:
    """Whether the value is one of its kind: other prose is no statement."""
    if name == "symbol":
        return is_symbol(value)
    return bool(zone_of_words(value)) if name == "zone" else any(character.isalnum() for character in value)
