"""The day so far of each symbol, brought forward minute by minute: what `dailyBars` sends."""

from __future__ import annotations

import numpy as np

from sessions.models import Session
from streaming.engine.frames import BarBlock
from streaming.gateway import bars
from streaming.gateway.days import Days
from streaming.gateway.moments import midnight

Values = list[float]
"""open, high, low, close, volume, trade count, vwap."""


class DailyBars:
    """Of one session and one day."""

    def __init__(self, stamp: int, values: dict[str, Values]) -> None:
        self.stamp, self.values = stamp, values

    @classmethod
    def load(cls, session: Session, visible: int) -> DailyBars:
        """As they stand at a frame; extended hours count as in an answer to a request."""
        days = Days(session, visible)
        symbols = session.symbols()
        values: dict[str, Values] = {}
        for symbol, rows in days.rows(symbols, days.today, days.today).items():
            bar = bars.aggregate(days.minutes(rows), bars.DAY)
            if len(bar):
                c = bar.columns
                columns = (c.open, c.high, c.low, c.close, c.volume, c.trade_count, c.vwap)
                values[symbol] = [float(column[-1]) for column in columns]
        return cls(midnight(days.today), values)

    def add(self, block: BarBlock, minutes: np.ndarray) -> None:
        """The minutes of one frame; `minutes`: the block's columns with nothing absent."""
        for symbol, minute in zip(block.symbols, minutes.T.tolist(), strict=True):
            so_far = self.values.get(symbol)
            self.values[symbol] = _extended(so_far, minute) if so_far else minute


def _extended(day: Values, minute: Values) -> Values:
    volume = day[4] + minute[4]
    worth = day[6] * day[4] + minute[6] * minute[4]
    vwap = round(worth / volume, 6) if volume else minute[6]
    return [day[0], max(day[1], minute[1]), min(day[2], minute[2]), minute[3], volume, day[5] + minute[5], vwap]
