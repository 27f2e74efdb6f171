"""A folder for each test run: two at once never share a server, and the next one adopts what a killed run left."""

import fcntl
import os
from itertools import count
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1] / "var" / "test"


def claim_var_dir() -> Path:
    """The first folder that no living run holds; the lock goes with this process."""
    for number in count(1):
        folder = ROOT / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "run.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return folder
    raise AssertionError("numbers do not end")
