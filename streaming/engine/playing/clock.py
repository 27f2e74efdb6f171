"""The session's moving clock: market time as a function of wall time, without accumulated sleeps."""

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class TimeProvider:
    """`now = anchor_market + (wall − anchor_wall) × speed`, in milliseconds since the epoch.

    Re-anchored whenever market time stops or changes its pace, so that nothing is ever caught up in a burst.
    Speed 0 has no moving clock: everything is due at once and `now` is the anchor.
    """

    market_ms: float
    speed: float
    wall: float = field(default_factory=time.monotonic)

    def now(self, wall: float | None = None) -> float:
        elapsed = (time.monotonic() if wall is None else wall) - self.wall
        return self.market_ms + elapsed * self.speed * 1000.0

    def seconds_until(self, market_ms: float, wall: float | None = None) -> float:
        """Wall seconds until `market_ms` is reached; never negative."""
        if self.speed == 0:
            return 0.0
        return max(0.0, (market_ms - self.now(wall)) / (self.speed * 1000.0))

    def anchor(self, market_ms: float, speed: float | None = None) -> None:
        self.market_ms, self.wall = market_ms, time.monotonic()
        if speed is not None:
            self.speed = speed
