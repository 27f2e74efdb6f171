"""Numbers of rows as an address has them."""

from __future__ import annotations

MOST_DIGITS = 18
"""As many as Postgres's bigint surely takes."""


def row_id(text: str) -> int:
    """-1, which no row has, for what is no row's number."""
    return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else -1
