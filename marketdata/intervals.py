"""Bar intervals by name: 1m, 5m, 15m, 30m, 1h, 1d and any n minutes."""

import re
from functools import cache

from marketdata.errors import BadInterval

DAY = 10_000
"""The width of 1d in minutes: wider than any session, so that its one bucket is the session."""

FORM = re.compile(r"([1-9][0-9]{0,2})([mh])")


@cache
def parse_interval(text: str) -> int:
    """Minutes of an interval. Raises BadInterval."""
    if text == "1d":
        return DAY
    match = FORM.fullmatch(text)
    minutes = int(match[1]) * (60 if match[2] == "h" else 1) if match else 0
    if not 1 <= minutes <= 1440:
        raise BadInterval(f"{text!r} is not an interval: give minutes (1m, 5m, 15m), hours (1h) or 1d.")
    return minutes


@cache
def interval_name(minutes: int) -> str:
    if minutes == DAY:
        return "1d"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"
