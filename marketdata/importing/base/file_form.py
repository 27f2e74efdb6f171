"""What a person says about files before they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PRICE_MODES = ("raw", "split", "all")
"""As traded; adjusted for splits; for splits and dividends."""


@dataclass(frozen=True, slots=True)
class FileForm:
    """How files are to be read; empty fields are detected.

    `columns`: ours → the file's name. `header`: names of the columns in order, for files without a head line. `scale`:
    prices are divided by it. `only`: column → the value that a row has to have. `as_is`: stamps and prices are taken
    as they are read, even where their pattern is odd. `prices`: how they are adjusted, of PRICE_MODES.
    """

    symbol: str = ""
    tz: str = ""
    label: str = ""
    interval: str = "1m"
    columns: Mapping[str, str] = field(default_factory=dict)
    header: tuple[str, ...] = ()
    delimiter: str = ""
    date_order: str = ""
    decimal: str = ""
    scale: float = 0.0
    only: Mapping[str, str] = field(default_factory=dict)
    as_is: bool = False
    prices: str = ""
    exchange: str = ""
    """The calendar of symbols that are not known yet; empty: New York's stocks."""


def demanded(text: str) -> dict[str, str]:
    """COLUMN=VALUE,… as `only`. Raises ValueError."""
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(name and sign for name, sign, _ in pairs):
        raise ValueError(f"{text!r} is not COLUMN=VALUE,…")
    return {name: value for name, _, value in pairs}
