"""Print a session's minutes as they become known: follow_bars.py SESSION SYMBOL …"""

import sys

from tapedeck_client import Client

with Client.from_environment() as client:
    session = client.session(int(sys.argv[1]))
    for bar in session.stream_bars(sys.argv[2:] or None, "1m"):
        print(f"{bar.end:%Y-%m-%d %H:%M} {bar.symbol} {bar.close:.2f}")
