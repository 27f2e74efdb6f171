"""What a file's columns mean: one mapping core, many spellings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from marketdata.errors import MarketDataError

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "time": (
        *("timestamp", "datetime", "date_time", "date/time", "time", "date", "t", "ts", "ts_event", "start"),
        *("begins_at", "window_start", "gmt_time", "unix", "index"),
    ),
    "symbol": ("symbol", "ticker", "sym", "s", "instrument"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c", "last"),
    "volume": ("volume", "v", "vol"),
    "vwap": ("vwap", "vw", "average", "wap"),
    "trade_count": ("trade_count", "n", "trades", "count", "transactions", "barcount", "number_of_trades"),
}
PRICES = ("open", "high", "low", "close")
REQUIRED = ("time", *PRICES)
QUOTE_COLUMNS = {"bid", "ask", "bid_price", "ask_price", "bid_open", "ask_open"}
MOST_NAMED = 12
SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.\-^/=_]{0,15}")
SYMBOL_FORM = "one to sixteen capitals, digits or . - ^ / = _"
FILE_SYMBOL = re.compile(r"([A-Za-z][A-Za-z0-9.\-]*?)(?:_.*)?$")


class UnreadableFile(MarketDataError):
    """The whole file cannot be used; the text names it and says what to pass."""


class NotBars(UnreadableFile):
    """The file holds something other than minute bars: in a folder it is passed over and told."""


class NotTicks(UnreadableFile):
    """The file has no columns of the trades or quotes that are looked for."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a person wants files read; empty fields are detected.

    `header`: names of the columns in order, for files without a head line. `scale`: prices are divided by it.
    """

    symbol: str = ""
    tz: str = ""
    label: str = "start"
    interval: str = "1m"
    columns: Mapping[str, str] = field(default_factory=dict)
    header: tuple[str, ...] = ()
    delimiter: str = ""
    date_order: str = ""
    scale: float = 1.0


def fold(name: str) -> str:
    """A column's name without what vendors do to it: '<Trade Count>' is trade_count."""
    return re.sub(r"\s+", "_", name.strip().strip("<>").lower())


def map_columns(names: Sequence[str], given: Mapping[str, str], path: Path) -> dict[str, str]:
    """Our name → the file's. Raises UnreadableFile, naming what is missing and what there is."""
    folded = {fold(name): name for name in names}
    found = dict(given)
    for ours, spellings in SPELLINGS.items():
        hit = next((folded[spelling] for spelling in spellings if spelling in folded), None)
        if ours not in found and hit is not None:
            found[ours] = hit
    if "date" in folded and folded.get("time") and "time" not in given and "datetime" not in folded:
        found["date"], found["time"] = folded["date"], folded["time"]
    unknown = [name for name in given.values() if name not in names]
    if unknown:
        raise UnreadableFile(f"{path}: no column {', '.join(unknown)}; it has {', '.join(names)}.")
    _demand(found, set(folded), names, path)
    return found


def _demand(found: Mapping[str, str], folded: set[str], names: Sequence[str], path: Path) -> None:
    missing = [name for name in REQUIRED if name not in found]
    if not missing:
        return
    there = f"it has {', '.join(names[:MOST_NAMED])}{', …' if len(names) > MOST_NAMED else ''}"
    if folded & QUOTE_COLUMNS:
        raise NotBars(f"{path}: holds quotes, not bars; {there}.")
    if "price" in folded and "size" in folded:
        raise NotBars(f"{path}: holds trades, not bars; {there}.")
    told = f"{path}: no column for {', '.join(missing)}; {there}"
    if sum(price in found for price in PRICES) < 3:
        raise NotBars(f"{told}.")
    raise UnreadableFile(f"{told}. Name them with --columns open=o,…")


def symbol_of(path: Path) -> str:
    """The symbol that a file's name begins with: AAPL_2025-06-24_1min.csv.gz is AAPL."""
    match = FILE_SYMBOL.match(path.name.split(".")[0] if "_" not in path.name else path.name.split("_")[0])
    if not match:
        raise UnreadableFile(f"{path}: no symbol column, and the name does not begin with a symbol: pass --symbol.")
    return match[1].upper()
