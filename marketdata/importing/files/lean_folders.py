"""LEAN's folders: <dataset>/<security type>/<market>/<resolution>/<symbol>."""

from __future__ import annotations

import re
from pathlib import Path

LAYOUT = re.compile(r"/(?P<resolution>minute|second|tick)/(?P<symbol>[^/]+)/(?P<date>\d{8})_(?P<kind>\w+)\.zip$")
WIDE_LAYOUT = re.compile(r"/(?P<market>[^/]+)/(?P<resolution>hour|daily)/[^/]+\.zip$")


def is_lean(path: Path) -> bool:
    return bool(LAYOUT.search(path.as_posix()) or WIDE_LAYOUT.search(path.as_posix()))


def dataset_folder(path: Path) -> Path:
    """The folder above the security type."""
    return path.parents[min(4, len(path.parents) - 1)]
