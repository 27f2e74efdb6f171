"""Start a session, look at an hour of it minute by minute, and end it: drive_a_session.py SYMBOL DATE PROVIDER"""

import sys

from tapedeck_client import Client

with Client.from_environment() as client:
    session = client.start([sys.argv[1]], date=sys.argv[2], provider=sys.argv[3], speed=60)
    session.wait()
    session.pause()
    session.seek(f"{sys.argv[2]}T14:30:00Z")
    session.settle()
    for bar in session.bars(sys.argv[1], "5m"):
        print(f"{bar.end:%H:%M} {bar.close:.2f}")
    session.stop()
    print(session.settle().state)
