"""Times of the wire: RFC 3339 in UTC with as many digits as the data has, as datetimes and as nanoseconds."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

SECOND_NS = 1_000_000_000
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

Moment = dt.date | dt.datetime | str
"""What a window may begin or end with: a trading day, an aware datetime, or either as text."""


@lru_cache(maxsize=8192)
def moment(text: str) -> dt.datetime:
    """An aware datetime in UTC; digits beyond microseconds are cut. Raises ValueError."""
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


def optional_moment(text: str | None) -> dt.datetime | None:
    """Like `moment`; None where the wire has null."""
    return None if text is None else moment(text)


def nanoseconds(text: str) -> int:
    """Nanoseconds since 1970, with every digit of the text. Raises ValueError."""
    head, point, rest = text.partition(".")
    if not point:
        return _whole_seconds(text) * SECOND_NS
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    fraction = int(digits.ljust(9, "0")[:9]) if digits else 0
    return _whole_seconds(head + rest[len(digits) :]) * SECOND_NS + fraction


@lru_cache(maxsize=8192)
def _whole_seconds(text: str) -> int:
    difference = moment(text) - EPOCH
    return difference.days * 86_400 + difference.seconds


def wire_text(name: str, value: Moment) -> str:
    """A date or datetime as the API takes it. Raises ValueError for a datetime without a time zone, naming it."""
    if isinstance(value, str):
        return value
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise ValueError(f"{name}={value!r} has no time zone: give one, e.g. {value!r}.replace(tzinfo=dt.UTC).")
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat()
