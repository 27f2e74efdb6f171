"""The lines that a stream start says, as the specification words them."""

import datetime as dt


def registered(symbol: str, active: int) -> str:
    return f"✓ Registered symbol: {symbol} (total active: {active})"


def fetching(symbol: str, date: dt.date) -> str:
    return f"Fetching bars for {symbol} on {date}..."


def fetched(symbol: str, count: int, date: dt.date) -> str:
    return f"Fetched {count} bars for {symbol} on {date}"


def started(symbol: str, count: int) -> str:
    return f"✓ Started bar stream for {symbol} ({count} bars)"


def marked_active(symbol: str, stream_type: str) -> str:
    return f"Marked {stream_type} stream active for {symbol}"


def already_active(symbol: str) -> str:
    return f"Stream already active for {symbol}: nothing to do"


def failed(symbol: str, reason: str) -> str:
    return f"✗ {symbol}: {reason}"
