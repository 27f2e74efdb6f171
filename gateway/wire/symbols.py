"""Symbols as requests and subscriptions name them."""

from __future__ import annotations

import re

from gateway.wire.wire_errors import bad_request

FORM = re.compile(r"[A-Z][A-Z0-9]{0,5}(\.[A-Z]{1,3})?|FAKEPACA")
"""The last is the broker's own, for smoke tests of its feed `test`."""


def is_well_formed(symbol: str) -> bool:
    return FORM.fullmatch(symbol) is not None


def checked(symbol: str) -> str:
    if not is_well_formed(symbol):
        raise bad_request(f"invalid symbol: {symbol}")
    return symbol


def parse(text: str) -> list[str]:
    """A comma list, sorted and without doubles. One malformed symbol refuses the whole request."""
    symbols = [part.strip() for part in text.split(",") if part.strip()]
    if not symbols:
        raise bad_request("Invalid format for parameter symbols: query parameter 'symbols' is required")
    return sorted({checked(symbol) for symbol in symbols})
