"""nautilus_trader: two limit orders a symbol at its first bar, which the venue matches against the bars."""

import json
import sys
import time

import numpy as np
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy
from with_nautilus import bar


class Resting(Strategy):
    def __init__(self, bar_types, share):
        super().__init__(StrategyConfig())
        self.bar_types, self.share = bar_types, share
        self.count, self.orders, self.fills, self.seen = 0, 0, 0, set()

    def on_start(self):
        for bar_type in self.bar_types:
            self.subscribe_bars(bar_type)

    def on_bar(self, bar):
        self.count += 1
        instrument = bar.bar_type.instrument_id
        if instrument in self.seen:
            return
        self.seen.add(instrument)
        for side, sign in ((OrderSide.BUY, 1), (OrderSide.SELL, -1)):
            price = Price(float(bar.close) * (1 - sign * self.share), 2)
            self.submit_order(self.order_factory.limit(instrument, side, Quantity(100, 0), price))
            self.orders += 1

    def on_order_filled(self, event):
        self.fills += 1


def main(path, share):
    columns = np.load(path, allow_pickle=True)
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    venue = Venue("XNAS")
    funds = [Money(1_000_000_000, USD)]
    engine.add_venue(venue, OmsType.NETTING, AccountType.MARGIN, funds, base_currency=USD, bar_execution=True)
    types = []
    for symbol in columns["symbols"].tolist():
        instrument = TestInstrumentProvider.equity(symbol, "XNAS")
        engine.add_instrument(instrument)
        types.append(BarType.from_str(f"{instrument.id}-1-MINUTE-LAST-EXTERNAL"))
    columns = {name: columns[name].tolist() for name in columns.files}
    engine.add_data([bar(types[number], columns, row) for row, number in enumerate(columns["symbol"])], sort=False)
    strategy = Resting(types, share)
    engine.add_strategy(strategy)
    spent = time.process_time()
    engine.run()
    cpu = time.process_time() - spent
    print(json.dumps({"bars": strategy.count, "orders": strategy.orders, "fills": strategy.fills, "cpu": cpu}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
