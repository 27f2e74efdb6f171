"""Workers by the dozen: one process imports everything, then forks a replay worker whenever it is asked to.

A Celery worker takes seconds to start; what dies here is the same `Player`, with the same threads and connections.
"""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    import django

    django.setup()
    from marketdata import calendar

    calendar.prepare()
    print("ready", flush=True)
    for _ in sys.stdin:
        _reap()
        child = os.fork()
        if child == 0:
            _work()
        print(child, flush=True)


def _work() -> None:
    from django.conf import settings

    from streaming.engine.playing.player import Player

    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    Player(settings.REPLAY_SLOTS).start()
    while os.getppid() != 1:
        time.sleep(1)
    os._exit(0)


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


if __name__ == "__main__":
    main()
