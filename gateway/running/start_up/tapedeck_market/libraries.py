"""Other libraries: the one that sets the clock, and those that would go around it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

AROUND_PYTHON = ("uvloop", "aiodns", "pycares")
"""They resolve, connect and wait in C. Whoever can do without falls back to the standard library."""


def hide_what_leaves_python() -> None:
    for name in AROUND_PYTHON:
        sys.modules[name] = None  # type: ignore[assignment]


def travel(time_ns: Callable[[], int], folder: str) -> bool:
    """Sets the process's clock; False where time-machine is not there, or so old that it changes the monotonic clock.

    It comes from the bot's environment, else from `folder`, where this Python can use what is there.
    """
    time_machine = _time_machine() or _time_machine(folder)
    if time_machine is None or hasattr(sys.modules["_time_machine"], "original_monotonic"):
        return False
    traveller = time_machine.travel(time_ns() / 1e9).start()
    traveller.time_ns = time_ns  # its own knows no speed, no pause and no seek
    return True


def _time_machine(*folders: str) -> Any:
    without_pytest = "pytest" not in sys.modules
    if without_pytest:
        sys.modules["pytest"] = None  # type: ignore[assignment]  # it would import it for its fixtures
    sys.path.extend(folders)
    try:
        return importlib.import_module("time_machine")
    except ImportError:
        return None
    finally:
        for folder in folders:
            sys.path.remove(folder)
        if without_pytest:
            del sys.modules["pytest"]
