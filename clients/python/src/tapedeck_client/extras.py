"""Packages that are needed for a part of this one only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tapedeck_client.errors import MissingExtra


@contextmanager
def extra(package: str, name: str, what: str) -> Iterator[None]:
    """`with extra("polars", "polars", "to_polars()"):` around the import of a package. Raises MissingExtra."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0].lower() != package.lower():
            raise
        raise MissingExtra(
            f"{what} needs {package}, which is not installed: pip install {package.lower()}, "
            f"or install this package with its extra [{name}]."
        ) from error
