"""Reads the market time that `run_bot` keeps in a file."""

from __future__ import annotations

import mmap
import struct
import threading
import time
from pathlib import Path

LAYOUT = struct.Struct("<QQqqqd")
real_monotonic_ns = time.monotonic_ns


class MarketClock:
    """Within a generation it never goes back; a seek begins another generation."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self.map = mmap.mmap(file.fileno(), LAYOUT.size, access=mmap.ACCESS_READ)
        self.newest = (0, 0)
        self.lock = threading.Lock()

    def read(self) -> tuple[int, int, float]:
        """Generation, market nanoseconds, and market seconds per second."""
        while True:
            values = LAYOUT.unpack(self.map[:])
            if values[0] % 2 == 0 and self.map[:8] == struct.pack("<Q", values[0]):
                break
        _, generation, market, at, until, pace = values
        moved = market + int((real_monotonic_ns() - at) * pace)
        now = max(market, min(moved, until))
        with self.lock:
            self.newest = max(self.newest, (generation, now))
            return self.newest[0], self.newest[1], pace

    def time_ns(self) -> int:
        return self.read()[1]
