"""A busy worker gives a session up to one with room: how busy it is, which session, and when a move is worth it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

WINDOW_SECONDS = 5.0
"""Over which CPU time is measured."""
SETTLE_SECONDS = 30.0
"""After a move, before the next: both workers' figures are of the time before it."""
STAND_BACK_SECONDS = 5.0
"""For which a worker that released a session claims none: another one is to have it."""
HOT = 0.6
WORTH = 0.2
"""Share of a core that the busier of two workers must lose by a move: it costs readers a second's pause."""


def to_release(shares: Mapping[int, float], busy: float, other: float) -> int | None:
    """The session whose move to the other worker evens out the two most; None where no move is worth it.

    `shares`: of a core, per session of this worker; `busy`, `other`: of both workers' processes.
    """
    if busy < HOT or len(shares) < 2:
        return None

    def busier_after(session_id: int) -> float:
        return max(busy - shares[session_id], other + shares[session_id])

    best = min(shares, key=busier_after)
    return best if busy - busier_after(best) >= WORTH else None


class Usage:
    """CPU time of this process and of its sessions' threads, as shares of a core over the last window."""

    def __init__(self, window: float = WINDOW_SECONDS, process_time: Callable[[], float] = time.process_time) -> None:
        self.window, self.process_time = window, process_time
        self.busy: float | None = None
        self.shares: dict[int, float] = {}
        self.begun, self.process, self.threads = time.monotonic(), process_time(), dict[int, float]()

    def measure(self, threads: Mapping[int, float]) -> bool:
        """Whether a window is over, and the shares are new. `threads`: CPU seconds so far, per session."""
        now = time.monotonic()
        seconds = now - self.begun
        if seconds < self.window:
            return False
        process = self.process_time()
        self.busy = (process - self.process) / seconds
        # One that came during the window counts with the next.
        self.shares = {key: (cpu - self.threads[key]) / seconds for key, cpu in threads.items() if key in self.threads}
        self.begun, self.process, self.threads = now, process, dict(threads)
        return True
