"""The lines that a stream start says, as the specification words them."""

import datetime as dt

from sessions.models import StreamType
from streaming.base.stream_types import words


def registered(symbol: str, active: int) -> str:
    return f"✓ Registered symbol: {symbol} (total active: {active})"


def fetching(symbol: str, date: dt.date, stream_type: str = StreamType.BARS) -> str:
    return f"Fetching {words(stream_type).many} for {symbol} on {date}..."


def fetched(symbol: str, count: int, date: dt.date, stream_type: str = StreamType.BARS) -> str:
    return f"Fetched {count} {words(stream_type).many} for {symbol} on {date}"


def started(symbol: str, count: int, stream_type: str = StreamType.BARS) -> str:
    names = words(stream_type)
    return f"✓ Started {names.one} stream for {symbol} ({count} {names.many})"


def marked_active(symbol: str, stream_type: str) -> str:
    return f"Marked {stream_type} stream active for {symbol}"


def already_active(symbol: str) -> str:
    return f"Stream already active for {symbol}: nothing to do"


def failed(symbol: str, reason: str) -> str:
    return f"✗ {symbol}: {reason}"
