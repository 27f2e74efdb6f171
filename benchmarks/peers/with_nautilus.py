"""nautilus_trader: its backtest engine hands every bar, trade and quote to a strategy that does nothing but count.

With `matching` its venue also matches orders against the bars, as it does unless asked otherwise.
"""

import json
import sys
import time

import numpy as np
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import Bar, BarType, QuoteTick, TradeTick
from nautilus_trader.model.enums import AccountType, AggressorSide, OmsType
from nautilus_trader.model.identifiers import TradeId, Venue
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy


class Counter(Strategy):
    def __init__(self, bar_types, ticks):
        super().__init__(StrategyConfig())
        self.bar_types, self.ticks, self.count = bar_types, ticks, 0

    def on_start(self):
        for bar_type in self.bar_types:
            self.subscribe_bars(bar_type)
        for instrument in self.ticks:
            self.subscribe_trade_ticks(instrument)
            self.subscribe_quote_ticks(instrument)

    def on_bar(self, bar):
        self.count += 1

    def on_trade_tick(self, tick):
        self.count += 1

    def on_quote_tick(self, tick):
        self.count += 1


def main(path, matching):
    columns = np.load(path, allow_pickle=True)
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    venue = Venue("XNAS")
    funds = [Money(1_000_000, USD)]
    engine.add_venue(venue, OmsType.NETTING, AccountType.CASH, funds, base_currency=USD, bar_execution=matching)
    instruments = [TestInstrumentProvider.equity(symbol, "XNAS") for symbol in columns["symbols"].tolist()]
    for instrument in instruments:
        engine.add_instrument(instrument)
    columns = {name: columns[name].tolist() for name in columns.files}
    if "at" in columns:
        types = []
        events = [tick(instruments[0].id, *row) for row in zip(*(columns[name] for name in TICKS), strict=True)]
    else:
        types = [BarType.from_str(f"{instrument.id}-1-MINUTE-LAST-EXTERNAL") for instrument in instruments]
        events = [bar(types[number], columns, row) for row, number in enumerate(columns["symbol"])]
    engine.add_data(events, sort=False)  # they are in order
    counter = Counter(types, [] if types else [instruments[0].id])
    engine.add_strategy(counter)
    began, spent = time.perf_counter(), time.process_time()
    engine.run()
    print(
        json.dumps({"bars": counter.count, "seconds": time.perf_counter() - began, "cpu": time.process_time() - spent})
    )


TICKS = ("at", "quote", "price", "size", "ask", "ask_size")
"""A trade has nothing in the last two; in a quote `price` and `size` are the bid's."""


def tick(instrument, at, quote, price, size, ask, ask_size):
    if quote:
        sides = (Price(price, 2), Price(ask, 2), Quantity(size, 0), Quantity(ask_size, 0))
        return QuoteTick(instrument, *sides, at, at)
    return TradeTick(instrument, Price(price, 2), Quantity(size, 0), AggressorSide.NO_AGGRESSOR, TradeId("1"), at, at)


def bar(bar_type, columns, row):
    prices = (Price(columns[name][row], 2) for name in ("open", "high", "low", "close"))
    stamp = int(columns["end"][row]) * 1_000_000_000
    return Bar(bar_type, *prices, Quantity(max(1, int(columns["volume"][row])), 0), stamp, stamp)


if __name__ == "__main__":
    main(sys.argv[1], matching="matching" in sys.argv[2:])
