"""A day as Alpaca sends it, and what is made of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from marketdata.calendar import TradingDay, trading_day
from marketdata.providers.base import NoDataExists, Rows

DAY = trading_day(dt.date(2024, 11, 18))


def wire_day(day: TradingDay) -> list[dict[str, Any]]:
    """Every minute from an hour before the open to an hour after the close, as the vendor has it."""
    minutes = range(-60, day.minutes + 60)
    return [
        {
            "t": f"{day.open + dt.timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}",
            "o": 100.5,
            "h": 200.25,
            "l": 100,
            "c": 100.75 + minute / 100,
            "v": 1000 + minute,
            "n": 10,
            "vw": 100.625,
        }
        for minute in minutes
    ]


def closes(answer: Rows | NoDataExists) -> list[float]:
    assert isinstance(answer, Rows)
    return answer.bars.close.tolist()


WHOLE = [100.75 + minute / 100 for minute in range(390)]
