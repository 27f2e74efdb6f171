"""Moments as the broker writes them: nanoseconds inside, RFC 3339 or dates (New York's) outside."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

from gateway.wire.wire_errors import bad_request
from marketdata.calendar import NEW_YORK
from marketdata.units import MINUTE_NS, SECOND_NS

DAY = 24 * 60 * MINUTE_NS
DATE = re.compile(r"\d{4}-\d\d-\d\d")
RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+ -]\d\d:\d\d)")


def start_of(text: str, name: str = "start") -> int:
    """First nanosecond that a lower bound means."""
    return midnight(_date(text, name)) if DATE.fullmatch(text) else _moment(text, name)


def date_as_written(text: str, name: str) -> dt.date:
    """The date that a date or a moment begins with, whatever its offset: a calendar's days are no moments."""
    if not DATE.fullmatch(text):
        _moment(text, name)
    return _date(text[:10], name)


def end_of(text: str, name: str = "end") -> int:
    """Last nanosecond that an upper bound means: of a date, the whole day."""
    if DATE.fullmatch(text):
        return _next_midnight(_date(text, name)) - 1
    return _moment(text, name)


@lru_cache(maxsize=4096)
def midnight(date: dt.date) -> int:
    """Where New York's day begins."""
    return int(dt.datetime.combine(date, dt.time(), NEW_YORK).timestamp()) * SECOND_NS


def _next_midnight(date: dt.date) -> int:
    return midnight(date + dt.timedelta(days=1)) if date < dt.date.max else midnight(date) + DAY


def new_york_date(ns: int) -> dt.date:
    return dt.datetime.fromtimestamp(ns // SECOND_NS, NEW_YORK).date()


def rfc3339_ns(ns: int) -> str:
    """UTC with `Z`, with as many digits of the fraction as there are."""
    seconds, rest = divmod(ns, SECOND_NS)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _moment(text: str, name: str) -> int:
    match = RFC3339.fullmatch(text)
    if not match:
        raise _unreadable(text, name)
    date, time, fraction, offset = match.groups()
    # A plus sign that was not percent-encoded arrives as a space.
    offset = "+00:00" if offset in "Zz" else offset.replace(" ", "+")
    try:
        whole = dt.datetime.fromisoformat(f"{date}T{time}{offset}")
    except ValueError:
        raise _unreadable(text, name) from None
    return int(whole.timestamp()) * SECOND_NS + int((fraction or "0").ljust(9, "0"))


def _date(text: str, name: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise _unreadable(text, name) from None


def _unreadable(text: str, name: str) -> Exception:
    return bad_request(
        f"Invalid format for parameter {name}: error parsing '{text}' as RFC3339 or 2006-01-02 time: cannot parse it"
    )
