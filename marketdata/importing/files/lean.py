"""LEAN's zips: the layout says dataset, kind, symbol and date; the rows count milliseconds since a midnight."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.calendar import NEW_YORK
from marketdata.importing.base.refusals import NotBars, NotTicks, UnreadableFile
from marketdata.importing.base.sheets import Sheet
from marketdata.importing.dialects.dialect import Dialect
from marketdata.importing.files.lean_folders import LAYOUT, is_lean
from marketdata.kinds import DayKind

MEMBER = re.compile(r"(?:^|/)(?P<date>\d{8})_(?P<symbol>[^_/]+)_minute_trade\.csv$")
SCALED, NEW_YORKS = ("equity", "option"), ("equity", "option", "index")
"""Kinds whose prices are ten-thousandths, and those that keep New York's time in its market."""
ROUND_CLOCK = ("crypto", "forex", "cfd", "cryptofuture")
HEADER = ("ms", "open", "high", "low", "close", "volume")


def refuse_other_layouts(path: Path, kinds: tuple[str, ...]) -> None:
    """Raises NotBars, or NotTicks, for other things than minute bars of trades."""
    match = LAYOUT.search(path.as_posix())
    refusal = NotBars if DayKind.BARS in kinds else NotTicks
    if match is None:
        raise refusal(f"{path}: holds hours or days, not minute bars.")
    if match["resolution"] != "minute" or match["kind"] != "trade":
        raise refusal(f"{path}: holds {match['resolution']} {match['kind']} data, not minute bars of trades.")
    if DayKind.BARS not in kinds:
        raise refusal(f"{path}: holds minute bars of trades.")


def dialect_of(path: Path, member: str) -> Dialect:
    """How LEAN's minutes are read, of a file in its folders or of a zip whose one member has LEAN's name."""
    match = LAYOUT.search(path.as_posix()) or MEMBER.search(member)
    assert match is not None
    kind = path.parts[-5].lower() if LAYOUT.search(path.as_posix()) and len(path.parts) >= 5 else "equity"
    market = path.parts[-4].lower() if kind != "equity" or LAYOUT.search(path.as_posix()) else "usa"
    zone = NEW_YORK.key if kind in NEW_YORKS and market == "usa" else "UTC" if kind in ROUND_CLOCK else ""
    return replace(
        MINUTES,
        zone=zone,
        zone_hint=f"LEAN writes the data's own zone of {kind}/{market}",
        scale=10_000.0 if kind in SCALED else 1.0,
        prepare=partial(_with_stamps, match["date"], match["symbol"]),
    )


def is_member(name: str) -> bool:
    """Whether a zip's only file has a name as LEAN's minutes of trades have it, wherever the zip lies."""
    return bool(MEMBER.search(name))


def _with_stamps(date: str, symbol: str, sheet: Sheet, path: Path, kind: str) -> Sheet:
    """Wall-clock stamps from the date in the name and the milliseconds in the rows."""
    midnight = np.datetime64(f"{date[:4]}-{date[4:6]}-{date[6:]}", "ns")
    since = pd.to_timedelta(pd.to_numeric(sheet.frame["ms"], errors="coerce"), unit="ms")
    frame = sheet.frame.drop(columns="ms").assign(timestamp=midnight + since)
    if not is_lean(path.resolve()):  # of which kind it is only its folders would say
        prices = sheet.frame[list(HEADER[1:5])]
        if not all(pd.api.types.is_integer_dtype(prices[name]) for name in prices):
            raise UnreadableFile(
                f"{path}: LEAN writes shares in ten-thousandths and other kinds as they are, and only its folders say "
                "which these are: import it from LEAN's folders."
            )
    return replace(sheet, frame=frame, symbol=symbol.upper())


MINUTES = Dialect("LEAN", kind=DayKind.BARS, header=lambda head: HEADER, label="start", sign="its folders and name")
