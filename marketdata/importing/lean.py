"""LEAN's zips: the layout says dataset, symbol and date; the rows count milliseconds since New York's midnight."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.calendar import NEW_YORK
from marketdata.importing.dialects.dialect import Dialect
from marketdata.importing.refusals import NotBars, NotTicks
from marketdata.importing.sheets import Sheet
from marketdata.kinds import DayKind

LAYOUT = re.compile(r"/(?P<resolution>minute|second|tick)/(?P<symbol>[^/]+)/(?P<date>\d{8})_(?P<kind>\w+)\.zip$")
WIDE_LAYOUT = re.compile(r"/(?P<market>[^/]+)/(?P<resolution>hour|daily)/[^/]+\.zip$")
HEADER = ("ms", "open", "high", "low", "close", "volume")


def is_lean(path: Path) -> bool:
    return bool(LAYOUT.search(path.as_posix()) or WIDE_LAYOUT.search(path.as_posix()))


def dataset_folder(path: Path) -> Path:
    """The folder above <security type>/<market>/<resolution>/<symbol>."""
    return path.parents[min(4, len(path.parents) - 1)]


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


def _with_stamps(sheet: Sheet, path: Path, kind: str) -> Sheet:
    """Wall-clock stamps of New York from the date in the name and the milliseconds in the rows."""
    match = LAYOUT.search(path.resolve().as_posix())
    assert match is not None
    midnight = np.datetime64(f"{match['date'][:4]}-{match['date'][4:6]}-{match['date'][6:]}", "ns")
    since = pd.to_timedelta(pd.to_numeric(sheet.frame["ms"], errors="coerce"), unit="ms")
    frame = sheet.frame.drop(columns="ms").assign(timestamp=midnight + since)
    return replace(sheet, frame=frame, symbol=match["symbol"].upper())


MINUTES = Dialect(
    "LEAN",
    kind=DayKind.BARS,
    header=lambda head: HEADER,
    zone=NEW_YORK.key,
    label="start",
    scale=10_000.0,
    prepare=_with_stamps,
    sign="its folders and name",
)
