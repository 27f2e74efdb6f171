"""The program's name as it was typed: `./tapedeck`, `tapedeck`, or `manage.py`."""

from __future__ import annotations

import os
import re
import sys
from pathlib import PurePath

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
