"""The program's name as it was typed: `./tapedeck`, `tapedeck`, or `manage.py`; how it ends by Ctrl-C."""

from __future__ import annotations

import os
import re
import sys
from pathlib import PurePath

INTERRUPTED = 130
"""The exit code that shells give a program ended by Ctrl-C."""
TYPED = "TAPEDECK_PROGRAM"
"""Set by the clone's own script, which calls Python."""
NAMED = re.compile(r"(?<![\w/])(?:\.venv/bin/python )?manage\.py (?=[a-z])")


def program() -> str:
    name = PurePath(sys.argv[0] or "manage.py").name
    return os.environ.get(TYPED) or (name if name in ("manage.py", "tapedeck") else "manage.py")


def as_typed(text: str) -> str:
    """A text that names commands of `manage.py`, with the program's own name."""
    name = program()
    return text if name == "manage.py" else NAMED.sub(f"{name} ", text)
