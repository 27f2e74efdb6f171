"""Minutes to five widths for a whole universe's day, beside pandas doing the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.row_per_bar import SYMBOLS, a_day
from benchmarks.rows import Row

ROUNDS = 7
WIDTHS = (5, 15, 30, 60, 10_000)


def run() -> Iterator[Row]:
    import numpy as np

    from marketdata.columns import join_bars
    from marketdata.derive import derive_many

    days = list(a_day().days.values())
    bars, group = join_bars(days), np.repeat(np.arange(len(days)), [len(day) for day in days])
    seconds = _best(lambda: [derive_many(bars, group, 390, width) for width in WIDTHS])
    what = f"1m to 5m, 15m, 30m, 1h, 1d, {SYMBOLS} symbols, 1 day"
    yield Row(what, seconds * 1000, "ms", f"{len(bars) * len(WIDTHS) / seconds / 1e6:.1f} M minutes/s")
    frame = _frame(bars, group)
    theirs = _best(lambda: [_by_pandas(frame, width) for width in WIDTHS])
    yield Row("the same by pandas groupby", theirs * 1000, "ms", f"{theirs / seconds:.1f} x as long")


def _best(measure: Callable[[], Any]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        measure()
        times.append(time.perf_counter() - began)
    return min(times)


def _frame(bars: Any, group: Any) -> Any:
    import pandas as pd

    columns = {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume", "trade_count", "vwap")}
    return pd.DataFrame({"group": group, "minute": bars.offset // 60, **columns})


def _by_pandas(frame: Any, width: int) -> Any:
    """A bucket column and one groupby: the fast way in pandas, vwap left out in its favor."""
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum", "trade_count": "sum"}
    return frame.groupby([frame.group, frame.minute // width], sort=False).agg(how)
