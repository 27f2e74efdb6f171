"""Two bars as they come out of a file, whatever its form."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from marketdata.importing.base.file_form import FileForm
from marketdata.importing.days.splitting import split
from marketdata.importing.tables.bar_reading import read

NEW_YORK = "America/New_York"


FIRST, LAST = "10,11,9,10.5,100", "12,13,11,12.5,200"


ROW = (10.0, 11.0, 9.0, 10.5, 100.0)


LAST_ROW = (12.0, 13.0, 11.0, 12.5, 200.0)


Z = ("2025-07-02T13:30:00Z", "2025-07-02T19:59:00Z")


def minutes(path: Path, form: FileForm | None = None) -> dict[str, dict[str, tuple[float, ...]]]:
    """Symbol → UTC minute → open, high, low, close, volume of the regular bars; nothing may be rejected."""
    parts = split(read(path, form or FileForm()))
    assert parts.rejected == []
    found: dict[str, dict[str, tuple[float, ...]]] = {}
    for day in parts.days:
        assert (day.date, day.scope) == (dt.date(2025, 7, 2), "regular")
        for i, offset in enumerate(day.bars.offset):
            at = f"{dt.datetime(2025, 7, 2, 13, 30) + dt.timedelta(seconds=int(offset)):%H:%M}"  # noqa: DTZ001
            b = day.bars
            found.setdefault(day.symbol, {})[at] = (b.open[i], b.high[i], b.low[i], b.close[i], b.volume[i])
    return found
