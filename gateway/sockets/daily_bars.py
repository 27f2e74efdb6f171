"""The day so far of each symbol, brought forward minute by minute: what `dailyBars` sends."""

from __future__ import annotations

import numpy as np

from gateway.data import bars
from gateway.data.day_cache import Days
from gateway.wire.moments import midnight
from sessions.models import Session
from streaming.engine.frames.bar_blocks import BarBlock

Values = list[float]
"""open, high, low, close, volume, trade count, vwap."""


class DailyBars:
    """The daily bars of one session's day."""

    def __init__(self, stamp: int, values: dict[str, Values], regular: dict[str, float]) -> None:
        """`regular`: the volume of the regular session alone, which a day's vwap is of."""
        self.stamp, self.values, self.regular = stamp, values, regular

    @classmethod
    def load(cls, session: Session, as_of: int) -> DailyBars:
        """The bars as they stand at a frame; extended hours count as in an answer to a request."""
        days = Days(session, as_of)
        symbols = session.symbols()
        values: dict[str, Values] = {}
        regular: dict[str, float] = {}
        for symbol, rows in days.rows(symbols, days.today, days.today).items():
            minutes = days.minutes(rows)
            bar = bars.aggregate(minutes, bars.DAY)
            if len(bar):
                regular[symbol] = float(minutes.bars.volume[minutes.regular].sum())
                c = bar.columns
                columns = (c.open, c.high, c.low, c.close, c.volume, c.trade_count, c.vwap)
                values[symbol] = [float(column[-1]) for column in columns]
        return cls(midnight(days.today), values, regular)

    def add(self, block: BarBlock, minutes: np.ndarray) -> None:
        """The minutes of one frame; `minutes`: the block's columns with nothing absent."""
        for symbol, minute in zip(block.symbols, minutes.T.tolist(), strict=True):
            so_far, volume = self.values.get(symbol), self.regular.get(symbol, 0.0)
            self.values[symbol] = _extended(so_far, volume, minute) if so_far else minute
            self.regular[symbol] = volume + minute[4]


def _extended(day: Values, volume: float, minute: Values) -> Values:
    """A day and a further minute; `volume`: what the day's vwap is of."""
    high, low = max(day[1], minute[1]), min(day[2], minute[2])
    worth, volume = day[6] * volume + minute[6] * minute[4], volume + minute[4]
    vwap = min(max(round(worth / volume, 6), low), high) if volume else minute[6]
    return [day[0], high, low, minute[3], day[4] + minute[4], day[5] + minute[5], vwap]
