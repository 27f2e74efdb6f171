"""backtrader: cerebro hands every step to a strategy whose `next` counts the bars that are new in it."""

import json
import sys
import time

import backtrader
import numpy as np
import pandas as pd


class Counter(backtrader.Strategy):
    def __init__(self):
        self.count, self.lengths = 0, [0] * len(self.datas)

    def next(self):
        for i, data in enumerate(self.datas):
            if len(data) != self.lengths[i]:
                self.lengths[i] = len(data)
                self.count += 1


def main(path):
    columns = np.load(path, allow_pickle=True)
    cerebro = backtrader.Cerebro(stdstats=False)
    for number in range(len(columns["symbols"])):
        rows = np.flatnonzero(columns["symbol"] == number)
        frame = pd.DataFrame({name: columns[name][rows] for name in ("open", "high", "low", "close", "volume")})
        frame.index = pd.to_datetime(columns["end"][rows], unit="s")
        cerebro.adddata(backtrader.feeds.PandasData(dataname=frame, openinterest=None))
    cerebro.addstrategy(Counter)
    began, spent = time.perf_counter(), time.process_time()
    (strategy,) = cerebro.run(preload=True, runonce=True)
    print(
        json.dumps(
            {
                "bars": len(columns["end"]),
                "seen": strategy.count,
                "seconds": time.perf_counter() - began,
                "cpu": time.process_time() - spent,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
