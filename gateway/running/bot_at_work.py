"""Reads what `start_up/tapedeck_market/at_work.py` writes: whether any of a bot's processes is at work."""

from __future__ import annotations

import os
import struct
import time
from dataclasses import dataclass
from pathlib import Path

LAYOUT = struct.Struct("<QQqqqq")
NEVER_NS = 2**62


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing is at work: when the first of it wakes (market ns).

    In monotonic ns when its loops looked for events and found none, and when it last sent something.
    """

    until_ns: int
    looked_ns: int
    sent_ns: int


class BotAtWork:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def rest(self) -> Rest | None:
        """None while something is at work, and until a process has begun."""
        found = [self._read(path) for path in self.folder.glob("at-work-*") if _lives(int(path.name.split("-")[-1]))]
        if not found or any(each[0] for each in found):
            return None
        return Rest(min(each[1] for each in found), min(each[2] for each in found), max(each[3] for each in found))

    @staticmethod
    def _read(path: Path) -> tuple[bool, int, int, int]:
        number, at_work, until, looked, sent, arriving = LAYOUT.unpack(path.read_bytes())
        whole = number % 2 == 0 and number > 0 and path.read_bytes()[:8] == struct.pack("<Q", number)
        busy = bool(at_work) or not whole or time.monotonic_ns() < arriving
        return busy, until, looked, sent


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
