"""A provider whose days fail as asked: for tests of what a session does when its source does not answer."""

from __future__ import annotations

import datetime as dt

from marketdata.errors import ProviderFailed
from marketdata.providers.base import BarsAnswer, DatasetSpec, NoDataExists
from marketdata.providers.synthetic import SyntheticProvider

CLOSED = 1 << 30
"""Failures without end."""


class Weather(SyntheticProvider):
    """Synthetic days, of which some fail so many times first, and some do not exist."""

    dataset = DatasetSpec("weather", "weather", synthetic=True)
    fails: dict[dt.date, int] = {}
    empty: set[dt.date] = set()

    def fetch_bars(self, symbol: str, start: dt.datetime, end: dt.datetime, interval: str = "1m") -> BarsAnswer:
        date = start.date()
        if self.fails.get(date, 0) > 0:
            self.fails[date] -= 1
            raise ProviderFailed(f"{self.name} answered 503 for {symbol}")
        if date in self.empty:
            return NoDataExists("nothing traded")
        return super().fetch_bars(symbol, start, end, interval)
