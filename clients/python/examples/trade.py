"""Hold ten shares while quarters of an hour rise, in lockstep at full speed: trade.py SYMBOL DATE PROVIDER"""

import sys

from tapedeck_client import Client

symbol, date, provider = sys.argv[1:]
with Client.from_environment() as client:
    session = client.start([symbol], date=date, provider=provider, speed=0, paused=True)
    session.wait()
    account = session.open_account("swing", cash=25_000)
    with session.stream([symbol], intervals=["15m"], lockstep="swing") as stream:
        next(stream)  # the snapshot: from here on the replay waits for this loop
        session.resume()
        for bar in stream.bars():
            held, late = account.position(symbol), bar.end.hour >= 19
            if bar.close > bar.open and not held and not late:
                account.buy(symbol, 10)
            elif held and (bar.close < bar.open or late):
                account.close(symbol)
    for fill in account.executions():
        print(f"{fill.time:%H:%M} {fill.side} {fill.qty} at {fill.price}")
    print("equity", account.refresh().equity)
