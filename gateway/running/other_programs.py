"""Programs without a start-up hook: libfaketime shows them the market's date and leaves their timers alone."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Sequence
from pathlib import Path

LIBRARY = "libfaketime.so.1"
FOLDERS = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib")
FILE = "faketime"
WITH_HOOK = ("python", "node")
IGNORING = "IES"
"""Letters of Python's options with which it reads no PYTHONPATH or no `sitecustomize`."""


def is_python(program: str) -> bool:
    return has_hook(program, ("python",))


def has_hook(program: str, interpreters: tuple[str, ...] = WITH_HOOK) -> bool:
    """By the program's name, else by the interpreter that its first line names."""
    found = shutil.which(program) or program
    if any(Path(name).name.startswith(interpreters) for name in (found, Path(found).resolve())):
        return True
    with Path(found).open("rb") as file:
        first = file.readline(256).decode(errors="replace")
    return first.startswith("#!") and any(name in first for name in interpreters)


def ignores_hook(command: Sequence[str]) -> str:
    """The option of Python with which the hook would not run; empty where there is none."""
    if not Path(command[0]).name.startswith("python"):
        return ""
    options = itertools.takewhile(lambda argument: argument.startswith("-") and argument != "-c", command[1:])
    single = (option for option in options if not option.startswith(("--", "-W", "-X", "-m")))
    return next((option for option in single if set(option) & set(IGNORING)), "")


def library(folders: Sequence[str] = FOLDERS) -> Path | None:
    for folder in folders:
        for pattern in (f"faketime/{LIBRARY}", f"*/faketime/{LIBRARY}"):
            if found := next(Path(folder).glob(pattern), None):
                return found
    return None


def preloaded(library: Path, folder: Path, preload: str = "") -> dict[str, str]:
    """The variables that put it before the program's own calls; it reads the file anew at each of them."""
    return {
        "LD_PRELOAD": " ".join(filter(None, (str(library), preload))),
        "FAKETIME_TIMESTAMP_FILE": str(folder / FILE),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_FMT": "%s",
        "NO_FAKE_STAT": "1",
    }


class FakeTimeFile:
    """Replaced as one piece: the program may read it at any moment."""

    def __init__(self, folder: Path) -> None:
        self.path, self.next = folder / FILE, folder / f"{FILE}.next"
        self.written = ""

    def write(self, market_ns: int) -> None:
        seconds = str(market_ns // 1_000_000_000)
        if seconds != self.written:
            self.next.write_text(seconds + "\n")
            self.next.replace(self.path)
            self.written = seconds
