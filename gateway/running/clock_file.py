"""The session's market time in a file that a bot's process maps: kept up to date here, read by its start-up hook."""

from __future__ import annotations

import mmap
import struct
import time
from dataclasses import dataclass
from pathlib import Path

LAYOUT = struct.Struct("<QQqqqd")
"""Number of the write (odd while it is written), generation, market ns, at monotonic ns, until market ns, pace.

`start_up/tapedeck_market/clock.py` reads it.
"""
NEVER_NS = 2**62


@dataclass(frozen=True, slots=True)
class ClockReading:
    """Market time at an instant of the monotonic clock, and how it goes on from there."""

    generation: int
    market_ns: int
    until_ns: int
    """Market time that it does not pass before the next reading."""
    pace: float
    """Market seconds per second."""

    def at(self, elapsed_ns: int) -> int:
        moved = self.market_ns + int(elapsed_ns * self.pace)
        return max(self.market_ns, min(moved, self.until_ns))


class ClockFile:
    """Written by one thread."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(LAYOUT.size))
        with path.open("r+b") as file:
            self.map = mmap.mmap(file.fileno(), LAYOUT.size)
        self.writes = 0
        self.reading = ClockReading(0, 0, 0, 0.0)
        self.read_at_ns = 0

    def write(self, reading: ClockReading) -> None:
        now = time.monotonic_ns()
        self._pack(2 * self.writes + 1, reading, now)
        self.writes += 1
        self._pack(2 * self.writes, reading, now)
        self.reading, self.read_at_ns = reading, now

    def market_ns(self) -> int:
        return self.reading.at(time.monotonic_ns() - self.read_at_ns)

    def _pack(self, number: int, reading: ClockReading, now: int) -> None:
        struct.pack_into("<Q", self.map, 0, number)
        values = (reading.generation, reading.market_ns, now, reading.until_ns, reading.pace)
        struct.pack_into("<Qqqqd", self.map, 8, *values)

    def close(self) -> None:
        self.map.close()
