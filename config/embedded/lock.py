"""What both services share: one starter at a time, and errors a person can act on."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class ServiceError(Exception):
    """A service is not there; one line that says what to do."""


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a file lock; a second starter waits, then finds the work done."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def last_line(log: Path) -> str:
    """The last thing that a log says."""
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "no output")
