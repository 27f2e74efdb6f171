"""Whether any of a bot's processes is at work: what `start_up/tapedeck_market/at_work.py` writes, and what Linux says.

A thread that another one has woken still counts as waiting in the file until it runs. Linux knows better: between two
looks at the threads all sleep, and none has run.
"""

from __future__ import annotations

import os
import re
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LAYOUT = struct.Struct("<QQqqqq")
NEVER_NS = 2**62
PROC = Path("/proc")
RUNS = re.compile(rb"^State:\t[RD]", re.MULTILINE)
SWITCHES = b"voluntary_ctxt_switches:"


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
        pids = {int(path.name.split("-")[-1]): path for path in self.folder.glob("at-work-*")}
        living = {pid: path for pid, path in pids.items() if _lives(pid)}
        before = _asleep(living)
        found = [self._read(path) for path in living.values()]
        if not found or any(each[0] for each in found) or before is None or _asleep(living) != before:
            return None
        return Rest(min(each[1] for each in found), min(each[2] for each in found), max(each[3] for each in found))

    @staticmethod
    def _read(path: Path) -> tuple[bool, int, int, int]:
        number, at_work, until, looked, sent, arriving = LAYOUT.unpack(path.read_bytes())
        whole = number % 2 == 0 and number > 0 and path.read_bytes()[:8] == struct.pack("<Q", number)
        busy = bool(at_work) or not whole or time.monotonic_ns() < arriving
        return busy, until, looked, sent


def _asleep(pids: Iterable[int]) -> dict[Path, bytes] | None:
    """Thread → how often it has run; None while one runs, or is about to. Empty where the system does not say."""
    threads: dict[Path, bytes] = {}
    for pid in pids:
        for path in PROC.glob(f"{pid}/task/*/status"):
            try:
                text = path.read_bytes()
            except OSError:
                return None  # it has just ended, and may have woken another
            if RUNS.search(text):
                return None
            threads[path] = text[text.find(SWITCHES) :]
    return threads


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
