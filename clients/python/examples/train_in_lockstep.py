"""A replay at full speed that waits for each step of a loop: train_in_lockstep.py SESSION SYMBOL"""

import sys

from tapedeck_client import Client

average = None
with Client.from_environment() as client:
    session = client.session(int(sys.argv[1]))
    with session.stream([sys.argv[2]], intervals=["1m"], lockstep="trainer", from_start=True) as stream:
        for bar in stream.bars():  # market time stands still until the next one is asked for
            average = bar.close if average is None else 0.9 * average + 0.1 * bar.close
            print(f"{bar.end:%H:%M} {'above' if bar.close > average else 'below'} its average")
