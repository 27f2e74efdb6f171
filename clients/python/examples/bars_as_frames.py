"""A session's bars so far with pandas, its stream in batches with polars: bars_as_frames.py SESSION SYMBOL"""

import sys

from tapedeck_client import Client

with Client.from_environment() as client:
    session = client.session(int(sys.argv[1]))
    print(session.bars(sys.argv[2], "15m").to_pandas()[["end", "close", "volume"]].tail())
    for batch in session.stream([sys.argv[2]], intervals=["1m"], from_start=True).batches(frames=60):
        print(batch.clock, batch.bars.to_polars()["close"].mean())
