"""Bars in the form of the real files that are not part of the project: made up, for who has not got those.

Folders, names, columns, days, hours and holes are as in the real ones; prices and volumes are a random walk's.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from marketdata.calendar import trading_days


@dataclass(frozen=True)
class Made:
    """One file. `holes`: minutes without a bar in each full session; `outside`: the share with one around it."""

    folder: str
    symbol: str
    first: str
    last: str
    price: float
    holes: int = 0
    outside: float = 0.0
    with_vwap: bool = False
    first_minute: bool = True

    @property
    def name(self) -> str:
        return f"{self.folder}/{self.symbol}_{self.first}_{self.last}_1min.csv.gz"


MADE = (
    Made("exthours_2025", "AAPL", "2025-06-24", "2025-07-11", 205, outside=0.97),
    Made("exthours_2025", "IBM", "2025-06-24", "2025-07-11", 290, holes=3, outside=0.6),
    Made("exthours_2025", "MSFT", "2025-06-24", "2025-07-11", 495, outside=0.96),
    Made("sparse_etf", "DBB", "2023-11-20", "2023-12-01", 18, holes=180, outside=0.01),
    Made("spy_vwap_2024", "SPY", "2024-03-04", "2024-03-15", 510, outside=0.9, with_vwap=True),
    Made("ninjatrader_2011", "SPY", "2011-03-07", "2011-03-18", 130, outside=0.6),
    Made("alphavantage_2019", "AMT", "2019-02-11", "2019-02-13", 173, holes=25, first_minute=False),
    Made("alphavantage_2019", "UGA", "2019-02-11", "2019-02-13", 25, holes=320),
)


SYMBOLS = ("UHS", *(f"T{number:02d}" for number in range(60)))
UNIVERSE = {
    # Session → the minutes that each symbol lacks, and the volume.
    "us284_2018/2018-02-23": ((134, *range(60)), "whole"),
    "sp500_2026_novolume/2026-01-16": ((200,) * len(SYMBOLS), "absent"),
}
"""Files of one session and all symbols."""


def make(folder: Path) -> Path:
    """Write the files below `folder`/bars and `folder`/universe. Returns the folder."""
    for number, one in enumerate(MADE):
        path = folder / "bars" / one.name
        path.parent.mkdir(parents=True, exist_ok=True)
        _table(one, np.random.default_rng(number)).to_csv(path, index=False)
    for name, (holes, volume) in UNIVERSE.items():
        date = name.rpartition("/")[2]
        made = (Made("", symbol, date, date, 40, holes=lacking) for symbol, lacking in zip(SYMBOLS, holes, strict=True))
        tables = [_table(one, np.random.default_rng(i)).assign(symbol=one.symbol) for i, one in enumerate(made)]
        rows = pd.concat(tables, ignore_index=True)
        rows["timestamp"] = pd.to_datetime(rows.timestamp, utc=True)
        path = folder / "universe" / f"{name}_1min.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        (rows if volume == "whole" else rows.assign(volume=np.nan)).to_parquet(path, index=False)
    return folder


def _table(one: Made, rng: np.random.Generator) -> pd.DataFrame:
    stamps = np.concatenate(list(_minutes(one, rng)))
    count = len(stamps)
    close = one.price * np.exp(np.cumsum(rng.normal(0, 2e-4, count)))
    opened = np.concatenate([[one.price], close[:-1]])
    spread = one.price * 2e-4 * rng.random((2, count))
    rows = {
        "timestamp": pd.to_datetime(stamps, unit="s").strftime("%Y-%m-%dT%H:%M:%SZ"),
        "open": opened.round(2),
        "high": (np.maximum(opened, close) + spread[0] + 0.01).round(2),
        "low": (np.minimum(opened, close) - spread[1] - 0.01).round(2),
        "close": close.round(2),
        "volume": rng.integers(100, 90_000, count),
    }
    if one.with_vwap:
        rows |= {"vwap": ((opened + close) / 2).round(4), "trade_count": rng.integers(1, 900, count)}
    return pd.DataFrame(rows)


def _minutes(one: Made, rng: np.random.Generator) -> Iterator[npt.NDArray[np.int64]]:
    """The stamps of each day's bars, from 04:00 to 20:00 in New York; on half days to 17:00."""
    for day in trading_days(dt.date.fromisoformat(one.first), dt.date.fromisoformat(one.last)):
        opens, closes = (round(moment.timestamp()) for moment in (day.open, day.close))
        stamps = np.arange(opens - 330 * 60, closes + 4 * 3600, 60)
        inside = np.flatnonzero((stamps >= opens) & (stamps < closes))
        kept = rng.random(len(stamps)) < one.outside
        kept[inside] = True
        # The session's last minute is there, and its first but where that is said to be missing. Half days of
        # liquid symbols have all of theirs.
        if len(inside) == 390 or one.holes > 100:
            kept[rng.choice(inside[1:-1], one.holes - (not one.first_minute), replace=False)] = False
        kept[inside[0]] = one.first_minute
        yield stamps[kept]
