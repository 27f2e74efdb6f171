"""What a file's columns mean: one mapping core, many spellings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.columns import Ints
from marketdata.errors import MarketDataError

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "time": ("timestamp", "datetime", "time", "date", "t", "ts", "ts_event", "start", "begins_at"),
    "symbol": ("symbol", "ticker", "sym", "s", "instrument"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c", "last"),
    "volume": ("volume", "v", "vol"),
    "vwap": ("vwap", "vw", "average", "wap"),
    "trade_count": ("trade_count", "n", "trades", "count", "transactions", "barcount"),
}
REQUIRED = ("time", "open", "high", "low", "close")
FILE_SYMBOL = re.compile(r"([A-Za-z][A-Za-z0-9.\-]*?)(?:_.*)?$")
EPOCH_UNITS = ((1e17, 1), (1e14, 1_000), (1e11, 1_000_000), (0, 1_000_000_000))
"""From which size on a number counts nanoseconds, microseconds, …, seconds; and a unit's nanoseconds."""


class UnreadableFile(MarketDataError):
    """The whole file cannot be used; the text names it and says what to pass."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a person wants files read; empty fields are detected."""

    symbol: str = ""
    tz: str = ""
    label: str = "start"
    interval: str = "1m"
    columns: Mapping[str, str] = field(default_factory=dict)


def map_columns(names: Sequence[str], given: Mapping[str, str], path: Path) -> dict[str, str]:
    """Our name → the file's. Raises UnreadableFile, naming what is missing and what there is."""
    folded = {name.strip().lower().replace(" ", "_"): name for name in names}
    found = dict(given)
    for ours, spellings in SPELLINGS.items():
        hit = next((folded[spelling] for spelling in spellings if spelling in folded), None)
        if ours not in found and hit is not None:
            found[ours] = hit
    if "date" in folded and folded.get("time") and "time" not in given and "datetime" not in folded:
        found["date"], found["time"] = folded["date"], folded["time"]
    missing = [name for name in REQUIRED if name not in found]
    unknown = [name for name in given.values() if name not in names]
    if missing or unknown:
        what = f"no column for {', '.join(missing)}" if missing else f"no column {', '.join(unknown)}"
        raise UnreadableFile(f"{path}: {what}; it has {', '.join(map(str, names))}. Name them with --columns open=o,…")
    return found


def stamps(table: pd.DataFrame, mapped: Mapping[str, str], reading: Reading, path: Path) -> Ints:
    """Bar starts as UTC nanoseconds since the epoch; NaT's minimum where a stamp cannot be read."""
    raw = table[mapped["time"]]
    if "date" in mapped:
        raw = table[mapped["date"]].astype(str) + " " + raw.astype(str)
    moments = _parsed(raw)
    if getattr(moments.dt, "tz", None) is None:
        if not reading.tz:
            raise UnreadableFile(f"{path}: its stamps have no time zone: pass --tz, e.g. --tz America/New_York or UTC.")
        moments = moments.dt.tz_localize(reading.tz, ambiguous="NaT", nonexistent="NaT")
    nanoseconds: Ints = moments.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("M8[ns]").astype(np.int64)
    return nanoseconds


def _parsed(raw: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(raw):
        size = float(raw.abs().max() or 0)
        factor = next(factor for least, factor in EPOCH_UNITS if size >= least)
        nanoseconds = (raw * factor).round().astype("Int64")
        return pd.to_datetime(nanoseconds, utc=True, errors="coerce")
    if pd.api.types.is_datetime64_any_dtype(raw):
        return raw
    zoned = raw.astype(str).str.contains(r"(?:Z|[+-]\d\d:?\d\d)$", regex=True).any()
    return pd.to_datetime(raw, utc=bool(zoned), errors="coerce", format="ISO8601")


def symbol_of(path: Path) -> str:
    """The symbol that a file's name begins with: AAPL_2025-06-24_1min.csv.gz is AAPL."""
    match = FILE_SYMBOL.match(path.name.split(".")[0] if "_" not in path.name else path.name.split("_")[0])
    if not match:
        raise UnreadableFile(f"{path}: no symbol column, and the name does not begin with a symbol: pass --symbol.")
    return match[1].upper()
