"""TradingView's Lightweight Charts (Apache-2.0), served from the package that pip installed: one file of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

INTEGRITY = "sha384-Quwr4eeo6bgUnfIKnQmnN3cHgCYWQktSGE4HH8yQaErYHi/k3/dn/LmF7bJfM4hx"
"""The file's hash: a browser runs no other."""
PACKAGE, FILE, PREFIX = "bn_lightweight_charts", "lightweight-charts.js", "charts"


def folder() -> Path:
    """Where the package keeps its JavaScript; the package itself is never imported."""
    spec = find_spec(PACKAGE)
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "js"


class ChartLibraryFinder(BaseFinder):
    """`static/charts/lightweight-charts.js`, and nothing else that the package brings."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.storage = FileSystemStorage(location=folder())
        self.storage.prefix = PREFIX  # type: ignore[attr-defined]  # where collectstatic puts it

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        found = [self.storage.path(FILE)] if path == f"{PREFIX}/{FILE}" else []
        return found if find_all else next(iter(found), [])

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        yield FILE, self.storage
