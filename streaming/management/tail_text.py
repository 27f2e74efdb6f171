"""A session's events as lines that people read, in the exchange's time."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from sessions.market_time import shown_in


def text_lines(frame: dict[str, Any], zone: ZoneInfo) -> str:
    return "\n".join(text_line(frame, event, zone) for event in frame["events"])


def text_line(frame: dict[str, Any], event: dict[str, Any], zone: ZoneInfo) -> str:
    """The clock, the type, and the rest as a person reads it."""
    match event["type"]:
        case "bar" | "revision":
            prices = " ".join(f"{key[0].upper()} {event[key]}" for key in ("open", "high", "low", "close"))
            volume = "-" if event["volume"] is None else event["volume"]
            start = _time(event["start"], zone).removesuffix(":00")
            rest = f"{event['symbol']} {event['interval']} {start} {prices} V {volume}"
        case "snapshot":
            rest = f"{len(event['bars'])} bars as of {event['as_of']}"
        case "trade":
            size = "-" if event["size"] is None else event["size"]
            rest = f"{event['symbol']} {_time(event['at'], zone)} {event['price']} x {size} {event['exchange'] or '-'}"
        case "quote":
            sides = (f"{event[side] or '-'} x {event[f'{side}_size'] or '-'}" for side in ("bid", "ask"))
            rest = f"{event['symbol']} {_time(event['at'], zone)} {' | '.join(sides)}"
        case _:
            said = ((key, value) for key, value in event.items() if key not in ("type", "clock"))
            rest = " ".join(f"{key}={value}" for key, value in said if value not in (None, ""))
    return f"{_clock(frame['clock'], zone)} {event['type']} {rest}".rstrip()


def _clock(stamp: str | None, zone: ZoneInfo) -> str:
    if stamp is None:
        return "-"
    moment, fraction = _parts(stamp)
    return shown_in(zone, moment, f"%Y-%m-%d %H:%M:%S{fraction}")


def _time(stamp: str, zone: ZoneInfo) -> str:
    moment, fraction = _parts(stamp)
    return f"{moment.astimezone(zone):%H:%M:%S}{fraction}"


def _parts(stamp: str) -> tuple[dt.datetime, str]:
    """A stamp's second, and what is behind it as it is written, down to the nanosecond."""
    second, dot, fraction = stamp.removesuffix("Z").partition(".")
    return dt.datetime.fromisoformat(f"{second}+00:00"), dot + fraction
