"""Sierra Chart's binary .scid: a head of 56 bytes, records of 40, microseconds since 1899-12-30 UTC."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from marketdata.importing.base.refusals import UnreadableFile
from marketdata.importing.base.sheets import Sheet, numbered
from marketdata.kinds import DayKind

HEAD_BYTES = 56
MAGIC = b"SCID"
EPOCH = np.datetime64("1899-12-30", "us")
RECORD = np.dtype(
    [("at", "<i8"), *((name, "<f4") for name in ("open", "high", "low", "close"))]
    + [(name, "<u4") for name in ("trades", "volume", "bid_volume", "ask_volume")]
)


def read_scid(data: bytes, path: Path) -> tuple[Sheet, str]:
    """The records and their kind: a record whose open is 0 is a trade, with the ask as high and the bid as low.

    Raises UnreadableFile for another file, and one whose records mix trades and bars.
    """
    if not data.startswith(MAGIC) or (len(data) - HEAD_BYTES) % RECORD.itemsize:
        raise UnreadableFile(f"{path}: cannot be read: it is no .scid file, or it is cut off.")
    records = np.frombuffer(data, RECORD, offset=HEAD_BYTES)
    ticks = records["open"] == 0
    if ticks.any() and not ticks.all():
        raise UnreadableFile(f"{path}: mixes trades and bars: export one kind from Sierra Chart.")
    at = pd.Series(EPOCH + records["at"].astype("m8[us]")).dt.tz_localize("UTC")
    if len(ticks) and ticks.all():
        columns = {"price": _exact(records["close"]), "size": records["volume"].astype(float)}
        return numbered(pd.DataFrame({"time": at, **columns})), DayKind.TRADES
    prices = {name: _exact(records[name]) for name in ("open", "high", "low", "close")}
    counts = {"volume": records["volume"].astype(float), "trade_count": records["trades"].astype(float)}
    return numbered(pd.DataFrame({"time": at, **prices, **counts})), DayKind.BARS


def _exact(prices: np.ndarray) -> np.ndarray:
    """The shortest decimals that the file's 32 bits mean: 171.23, not 171.22999573."""
    return prices.astype(str).astype(np.float64)
