"""A bot for Alpaca's market data: alpaca-py alone, and nothing in it knows of a replay.

It asks what time it is, learns yesterday's close and the morning's minutes from history, then follows the stream and
says when the price crosses its average. Only addresses and keys come from outside:

    APCA_API_KEY_ID=… APCA_API_SECRET_KEY=… python examples/alpaca_bot.py AAPL MSFT \
        --url http://127.0.0.1:8000/alpaca --stream ws://127.0.0.1:8000/alpaca/v2/iex
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import deque
from datetime import datetime, timedelta

try:
    from alpaca.data.historical import StockHistoricalDataClient
    from alpaca.data.live import StockDataStream
    from alpaca.data.models import Bar
    from alpaca.data.requests import StockBarsRequest, StockSnapshotRequest
    from alpaca.data.timeframe import TimeFrame
    from alpaca.trading.client import TradingClient
except ModuleNotFoundError as error:
    if error.name != "alpaca":
        raise
    sys.exit(
        f"This bot needs alpaca-py: {sys.executable} -m pip install alpaca-py (a clone: -r requirements-alpaca.txt)."
    )

AVERAGE_OF = 20


class Crossing:
    """One symbol's average of its last closes, and on which side of it the price is."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.closes: deque[float] = deque(maxlen=AVERAGE_OF)
        self.above: bool | None = None
        self.last: datetime | None = None

    def take(self, bar: Bar) -> str | None:
        """What to do after this bar; None for nothing. Bars come once, whether from history or the stream."""
        if self.last and bar.timestamp <= self.last:
            return None
        self.last = bar.timestamp
        self.closes.append(bar.close)
        if len(self.closes) < AVERAGE_OF:
            return None
        before, self.above = self.above, bar.close > sum(self.closes) / len(self.closes)
        if before is None or before == self.above:
            return None
        return "buy" if self.above else "sell"


class Bot:
    def __init__(self, symbols: list[str], url: str, stream: str, most: int) -> None:
        keys = os.environ["APCA_API_KEY_ID"], os.environ["APCA_API_SECRET_KEY"]
        self.crossings = {symbol: Crossing(symbol) for symbol in symbols}
        self.trading = TradingClient(*keys, url_override=url)
        self.history = StockHistoricalDataClient(*keys, url_override=url)
        self.stream = StockDataStream(*keys, url_override=stream)
        self.left = most

    def run(self) -> None:
        clock = self.trading.get_clock()
        print(f"It is {clock.timestamp:%Y-%m-%d %H:%M}; the market is {'open' if clock.is_open else 'closed'}.")
        self.look_back(clock.timestamp)
        self.stream.subscribe_bars(self.on_bar, *self.crossings)
        self.stream.run()

    def look_back(self, now: datetime) -> None:
        """Yesterday's close, and the last hour's minutes to start the averages with."""
        symbols = list(self.crossings)
        for symbol, snapshot in self.history.get_stock_snapshot(
            StockSnapshotRequest(symbol_or_symbols=symbols)
        ).items():
            if snapshot.previous_daily_bar:
                print(f"{symbol} closed at {snapshot.previous_daily_bar.close:.2f} the day before.")
        asked = StockBarsRequest(symbol_or_symbols=symbols, timeframe=TimeFrame.Minute, start=now - timedelta(hours=1))
        for symbol, bars in self.history.get_stock_bars(asked).data.items():
            for bar in bars:
                self.crossings[symbol].take(bar)
            print(f"{symbol}: {len(bars)} minutes of history, up to {bars[-1].timestamp:%H:%M} UTC.")

    async def on_bar(self, bar: Bar) -> None:
        decision = self.crossings[bar.symbol].take(bar)
        print(f"{bar.timestamp:%H:%M} {bar.symbol} {bar.close:.2f} {decision or ''}".rstrip(), flush=True)
        self.left -= 1
        if not self.left:
            await self.stream.stop_ws()


def main() -> None:
    parser = argparse.ArgumentParser(description="Say when prices cross their average.")
    parser.add_argument("symbols", nargs="+")
    parser.add_argument("--url", required=True, help="instead of https://data.alpaca.markets")
    parser.add_argument("--stream", required=True, help="instead of wss://stream.data.alpaca.markets/v2/iex")
    parser.add_argument("--bars", type=int, default=0, help="end after so many bars; 0 goes on for ever")
    given = parser.parse_args()
    Bot(given.symbols, given.url, given.stream, given.bars).run()


if __name__ == "__main__":
    main()
