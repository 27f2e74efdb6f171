"""nautilus_trader: its backtest engine delivers every bar to a strategy whose `on_bar` does nothing but count.

With `matching` its venue also matches orders against the bars, as it does unless told otherwise.
"""

import json
import sys
import time

import numpy as np
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy


class Counter(Strategy):
    def __init__(self, bar_types):
        super().__init__(StrategyConfig())
        self.bar_types, self.count = bar_types, 0

    def on_start(self):
        for bar_type in self.bar_types:
            self.subscribe_bars(bar_type)

    def on_bar(self, bar):
        self.count += 1


def main(path, matching):
    columns = np.load(path, allow_pickle=True)
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    venue = Venue("XNAS")
    funds = [Money(1_000_000, USD)]
    engine.add_venue(venue, OmsType.NETTING, AccountType.CASH, funds, base_currency=USD, bar_execution=matching)
    types = []
    for symbol in columns["symbols"].tolist():
        instrument = TestInstrumentProvider.equity(symbol, "XNAS")
        engine.add_instrument(instrument)
        bar_type = BarType.from_str(f"{instrument.id}-1-MINUTE-LAST-EXTERNAL")
        types.append(bar_type)
    columns = {name: columns[name].tolist() for name in columns.files}
    bars = [bar(types[number], columns, row) for row, number in enumerate(columns["symbol"])]
    engine.add_data(bars, sort=False)  # they are in order
    counter = Counter(types)
    engine.add_strategy(counter)
    began, spent = time.perf_counter(), time.process_time()
    engine.run()
    print(
        json.dumps({"bars": counter.count, "seconds": time.perf_counter() - began, "cpu": time.process_time() - spent})
    )


def bar(bar_type, columns, row):
    prices = (Price(columns[name][row], 2) for name in ("open", "high", "low", "close"))
    stamp = int(columns["end"][row]) * 1_000_000_000
    return Bar(bar_type, *prices, Quantity(max(1, int(columns["volume"][row])), 0), stamp, stamp)


if __name__ == "__main__":
    main(sys.argv[1], matching="matching" in sys.argv[2:])
